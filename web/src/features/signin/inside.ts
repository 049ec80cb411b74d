/** Only a page of this server: an address with a host, or what a browser takes for one, leads nowhere else. */
export function inside(next: string | undefined): string {
  return next && /^\/(?![/\\])/.test(next) && !next.startsWith("/sign-in") ? next : "/";
}

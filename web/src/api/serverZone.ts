/** The server's own zone, where its answers tell it. */
export function useServerZone(): string | null {
  return null;
}

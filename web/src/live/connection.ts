/** Whether the server can be reached, and since when it can't: figures that stay on the page grow old. */
import { useSyncExternalStore } from "react";

let since: number | null = null;
const listeners = new Set<() => void>();

function set(next: number | null): void {
  if (since === next) return;
  since = next;
  for (const listener of listeners) listener();
}

export function unreachable(): void {
  set(since ?? Date.now());
}

export function reached(): void {
  set(null);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Since when the server is away, or null. */
export function useOfflineSince(): number | null {
  return useSyncExternalStore(subscribe, offlineSince);
}

export function offlineSince(): number | null {
  return since;
}

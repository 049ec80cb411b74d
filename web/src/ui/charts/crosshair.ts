/** One crosshair for the page: the instant that the pointer is at, in whichever chart. */
import { useSyncExternalStore } from "react";

let at: number | null = null;
const listeners = new Set<() => void>();

export function point(time: number | null): void {
  if (at === time) return;
  at = time;
  for (const listener of listeners) listener();
}

export function useCrosshair(): number | null {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => at,
  );
}

/** The clock of the page: one instant for all that is shown, moved by the page's timer. */
import { useSyncExternalStore } from "react";
import { timer } from "./timer";

/** Ages are written in whole units, so a look every five seconds is enough. */
const EVERY_TICKS = 5;

let now = Date.now();
const listeners = new Set<() => void>();

timer.addTask("clock", moveClock, EVERY_TICKS);

export function moveClock(): void {
  now = Date.now();
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useNow(): number {
  return useSyncExternalStore(subscribe, () => now);
}

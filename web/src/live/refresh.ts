/** The pace of the page: what it shows is asked again every so many seconds, by hand, or never while it is paused. */
import type { QueryClient } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";
import { preferences } from "../preferences";
import { moveClock } from "./now";
import { timer } from "./timer";

let paused = false;
const listeners = new Set<() => void>();

export function pause(value: boolean): void {
  paused = value;
  for (const listener of listeners) listener();
}

export function usePaused(): boolean {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => paused,
  );
}

/** Ask again for all that is on the screen. */
export function refresh(client: QueryClient): void {
  moveClock();
  void client.invalidateQueries({ refetchType: "active" });
}

/** Enter the refresh into the page's timer. The pace is read at each tick, so that a choice holds at once. */
export function refreshBy(client: QueryClient): void {
  let seconds = 0;
  timer.addTask("refresh", () => {
    const every = preferences().refreshS;
    seconds += 1;
    if (paused || every === 0 || seconds < every) return;
    seconds = 0;
    refresh(client);
  });
}

/** The pace of the page: asked again when the stream tells of a change, else every so many seconds, or by hand. */
import type { QueryClient } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";
import { preferences } from "../preferences";
import { offlineSince } from "./connection";
import { moveClock } from "./now";
import { follow, linkState } from "./stream";
import { timer } from "./timer";

/** With a stream, what moves with the clock alone is still asked again at times. */
const LIVE_EVERY_S = 60;
const OFFLINE_EVERY_S = 2;

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
export function refresh(client: QueryClient): Promise<void> {
  moveClock();
  return client.invalidateQueries({ refetchType: "active" }, { cancelRefetch: false });
}

/** Enter both into the page's timer: the stream, and the pace without it. */
export function refreshBy(client: QueryClient): void {
  let seconds = 0;
  follow(
    () => refresh(client),
    () => paused,
  );
  timer.addTask("refresh", () => {
    seconds += 1;
    if (paused || seconds < everyS()) return;
    seconds = 0;
    void refresh(client);
  });
}

function everyS(): number {
  const chosen = preferences().refreshS;
  if (chosen === 0) return Number.POSITIVE_INFINITY;
  if (offlineSince() !== null) return OFFLINE_EVERY_S;
  return linkState() === "live" ? Math.max(LIVE_EVERY_S, chosen) : chosen;
}

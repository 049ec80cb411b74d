/**
 * The live stream, as a sign that something has changed: then the page asks again for what it shows.
 *
 * So every figure comes from the same questions, whether it was pushed or asked for, and equals what the API says. How
 * soon after a change it asks again follows from how long the answers took: a store that answers slowly is asked less.
 */
import { useSyncExternalStore } from "react";
import { preferences } from "../preferences";
import { timer } from "./timer";

export type LinkState = "live" | "polling";

const PATH = "/api/v1/stream";
const SILENCE_MS = 35_000;
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;
const LEAST_PAUSE_MS = 1_000;
/** Of the time, at most a quarter goes into answers. */
const PAUSE_PER_ANSWER = 3;

let state: LinkState = "polling";
const listeners = new Set<() => void>();

export class Stream {
  #socket: WebSocket | null = null;
  #heardAt = 0;
  #waitMs = FIRST_WAIT_MS;
  #nextTryAt = 0;
  #changed = false;
  #asking = false;
  #askAgainAt = 0;
  readonly #ask: () => Promise<unknown>;

  /** `ask` asks again for all that is on the screen. */
  constructor(ask: () => Promise<unknown>) {
    this.#ask = ask;
  }

  /** Once a tick: keep the connection, and ask again if something has changed. */
  tick(now = Date.now()): void {
    if (this.#socket && now - this.#heardAt > SILENCE_MS) this.#socket.close();
    if (!this.#socket && now >= this.#nextTryAt) this.#connect(now);
    if (this.#changed && !this.#asking && now >= this.#askAgainAt) void this.#again();
  }

  #connect(now: number): void {
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${PATH}`);
    this.#socket = socket;
    this.#heardAt = now;
    socket.onmessage = (event) => this.#hear(socket, String(event.data));
    socket.onclose = () => {
      this.#socket = null;
      // Many pages whose server went away do not come back in the same instant.
      this.#nextTryAt = Date.now() + this.#waitMs * (0.5 + Math.random());
      this.#waitMs = Math.min(LONGEST_WAIT_MS, this.#waitMs * 2);
      // Whether only the stream is away, or the whole server, is told by asking.
      if (state === "live") this.#changed = true;
      set("polling");
    };
  }

  #hear(socket: WebSocket, text: string): void {
    this.#heardAt = Date.now();
    const message = JSON.parse(text) as { type: string; topic?: string };
    if (message.type === "hello") {
      socket.send(JSON.stringify({ op: "subscribe", id: "runs", topic: "runs" }));
      socket.send(JSON.stringify({ op: "subscribe", id: "workers", topic: "workers" }));
    } else if (message.type === "snapshot") {
      this.#waitMs = FIRST_WAIT_MS;
      // What happened while nobody listened is not known, so everything is asked again.
      this.#changed = true;
      set("live");
    } else if (message.type === "change") this.#changed = true;
  }

  async #again(): Promise<void> {
    this.#changed = false;
    this.#asking = true;
    const began = performance.now();
    try {
      await this.#ask();
    } finally {
      this.#asking = false;
      this.#askAgainAt = Date.now() + Math.max(LEAST_PAUSE_MS, PAUSE_PER_ANSWER * (performance.now() - began)) - 100;
    }
  }
}

function set(next: LinkState): void {
  if (state === next) return;
  state = next;
  for (const listener of listeners) listener();
}

export function linkState(): LinkState {
  return state;
}

export function useLinkState(): LinkState {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, linkState);
}

/** Follow the stream in the page's timer, unless its reader paused it or wants to ask by hand. */
export function follow(ask: () => Promise<unknown>, isPaused: () => boolean): void {
  const stream = new Stream(ask);
  timer.addTask("stream", () => {
    if (!isPaused() && preferences().refreshS !== 0 && location.pathname !== "/sign-in") stream.tick();
  });
}

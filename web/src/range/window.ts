/** The range that a page looks at: from the address and the clock to the two sides of a window and its buckets. */

export interface RangeSearch {
  /** A preset such as `6h`. */
  range?: string | undefined;
  /** RFC 3339, UTC. */
  from?: string | undefined;
  to?: string | undefined;
}

export interface Window {
  /** Epoch milliseconds. */
  from: number;
  to: number;
  stepMs: number;
  /** The preset that it came from; null for fixed sides. */
  preset: string | null;
  /** Whether it ends now, so that its newest bucket is forming. */
  live: boolean;
}

const S = 1000;
const M = 60 * S;
const H = 60 * M;
const D = 24 * H;

export const DEFAULT_RANGE = "6h";
const LENGTHS: Record<string, number> = {
  "15m": 15 * M,
  "1h": H,
  "6h": 6 * H,
  "24h": D,
  "7d": 7 * D,
  "30d": 30 * D,
};
/** What the picker offers, in its order. */
export const PRESETS = ["15m", "1h", "6h", "24h", "night", "today", "7d", "30d"] as const;

const STEPS = [M, 2 * M, 5 * M, 10 * M, 15 * M, 30 * M, H, 2 * H, 6 * H, 12 * H, D, 7 * D, 30 * D];
const MOST_BUCKETS = 96;
const NIGHT_STARTS_H = 22;
const NIGHT_ENDS_H = 6;

/** The shortest step, from a minute on, that needs no more buckets than fit on a screen. */
export function stepFor(lengthMs: number): number {
  return STEPS.find((step) => lengthMs / step <= MOST_BUCKETS) ?? Math.ceil(lengthMs / MOST_BUCKETS / D) * D;
}

/**
 * Give the window that an address means at an instant.
 *
 * Both sides lie on whole minutes, so that asking again within a minute is the same question. `utc` tells whose midnight
 * "today" and "last night" mean.
 */
export function windowOf(search: RangeSearch, now: number, utc: boolean): Window {
  const from = instant(search.from);
  const to = instant(search.to);
  if (from !== null && from < (to ?? now)) {
    const end = to ?? ceil(now, M);
    return { from, to: end, stepMs: stepFor(end - from), preset: null, live: to === null || to > now };
  }
  const preset = (PRESETS as readonly string[]).includes(search.range ?? "") ? (search.range as string) : DEFAULT_RANGE;
  const end = ceil(now, M);
  if (preset === "night") return fixed(preset, ...lastNight(now, utc), now);
  if (preset === "today") return fixed(preset, midnight(now, utc), end, now);
  const length = LENGTHS[preset] ?? 6 * H;
  const stepMs = stepFor(length);
  return { from: ceil(end, stepMs) - length, to: end, stepMs, preset, live: true };
}

function fixed(preset: string, from: number, to: number, now: number): Window {
  return { from, to, stepMs: stepFor(Math.max(M, to - from)), preset, live: to > now };
}

/** From ten in the evening to six in the morning: the night that is over, or the one that goes on. */
function lastNight(now: number, utc: boolean): [number, number] {
  const today = midnight(now, utc);
  const starts = today - (24 - NIGHT_STARTS_H) * H;
  return [starts, Math.min(today + NIGHT_ENDS_H * H, ceil(now, M))];
}

function midnight(now: number, utc: boolean): number {
  const date = new Date(now);
  return utc ? date.setUTCHours(0, 0, 0, 0) : date.setHours(0, 0, 0, 0);
}

/** The window of the same length that ends where this one begins. */
export function before(window: Window): Window {
  return { ...window, from: window.from - (window.to - window.from), to: window.from, live: false };
}

/** The same length, half of it earlier or later. */
export function shifted(window: Window, direction: -1 | 1, now: number): RangeSearch {
  const by = ((window.to - window.from) / 2) * direction;
  if (window.to + by >= now) return window.preset ? { range: window.preset } : { range: DEFAULT_RANGE };
  return sides(window.from + by, window.to + by);
}

export function sides(from: number, to: number): RangeSearch {
  return { from: iso(floor(from, M)), to: iso(ceil(to, M)) };
}

export function iso(time: number): string {
  return new Date(time).toISOString();
}

function instant(text: string | undefined): number | null {
  const time = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(time) ? null : time;
}

const ceil = (time: number, step: number) => Math.ceil(time / step) * step;
const floor = (time: number, step: number) => Math.floor(time / step) * step;

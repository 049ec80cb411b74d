/** Scales and ticks: pure, so that what a chart says can be tested without drawing it. */

/** The smallest of 1, 2, 2.5, 5 times a power of ten that is not below a value. */
export function niceCeil(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 2.5, 5, 10].find((one) => one * power >= value * (1 - 1e-12)) ?? 10;
  return step * power;
}

/** Values for an axis from 0 to a round maximum that is not below `most`: at most `count` steps. */
export function valueTicks(most: number, count: number): number[] {
  const step = niceCeil(Math.max(most, Number.MIN_VALUE) / count);
  const steps = Math.max(1, Math.ceil(most / step - 1e-9));
  return Array.from({ length: steps + 1 }, (_, index) => index * step);
}

const S = 1000;
const M = 60 * S;
const H = 60 * M;
const D = 24 * H;
const DURATION_STEPS = [
  1,
  2,
  5,
  10,
  20,
  50,
  100,
  200,
  500,
  S,
  2 * S,
  5 * S,
  10 * S,
  15 * S,
  30 * S,
  M,
  2 * M,
  5 * M,
  10 * M,
  15 * M,
  30 * M,
  H,
  2 * H,
  6 * H,
  12 * H,
  D,
  2 * D,
  7 * D,
  30 * D,
];
const TIME_STEPS = [M, 2 * M, 5 * M, 10 * M, 15 * M, 30 * M, H, 2 * H, 3 * H, 6 * H, 12 * H, D, 2 * D, 7 * D, 30 * D];

/** The same for durations in milliseconds: seconds and minutes are round in other places than tens. */
export function durationTicks(mostMs: number, count: number): number[] {
  const step = DURATION_STEPS.find((one) => mostMs / one <= count) ?? niceCeil(mostMs / count);
  const steps = Math.max(1, Math.ceil(mostMs / step - 1e-9));
  return Array.from({ length: steps + 1 }, (_, index) => index * step);
}

/** Round instants between two, at most `count` of them; `offsetMs` is what the zone is ahead of UTC. */
export function timeTicks(from: number, to: number, count: number, offsetMs: number): number[] {
  const step = TIME_STEPS.find((one) => (to - from) / one <= count) ?? 30 * D;
  const first = Math.ceil((from + offsetMs) / step) * step - offsetMs;
  const found = [];
  for (let time = first; time < to; time += step) found.push(time);
  return found;
}

/** The level from 1 to `levels` of a value on a square root scale; 0 for nothing. */
export function sqrtLevel(value: number, most: number, levels: number): number {
  if (value <= 0 || most <= 0) return 0;
  return Math.min(levels, Math.max(1, Math.ceil(Math.sqrt(value / most) * levels)));
}

/** The level from 1 to `levels` of a share of 0 to 1; 0 for nothing. */
export function shareLevel(share: number, levels: number): number {
  return share <= 0 ? 0 : Math.min(levels, Math.max(1, Math.ceil(share * levels)));
}

/** First and last index of each stretch without a gap. */
export function stretches(values: readonly (number | null)[]): [number, number][] {
  const found: [number, number][] = [];
  values.forEach((value, index) => {
    if (value === null) return;
    const last = found.at(-1);
    if (last && last[1] === index - 1) last[1] = index;
    else found.push([index, index]);
  });
  return found;
}

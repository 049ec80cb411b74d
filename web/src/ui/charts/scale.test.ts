import { expect, test } from "vitest";
import { durationTicks, niceCeil, shareLevel, sqrtLevel, stretches, timeTicks, valueTicks } from "./scale";

test("an axis covers its values with few round steps", () => {
  for (const most of [0.3, 1, 7, 23, 99, 100, 101, 12_345, 9.9e6]) {
    const ticks = valueTicks(most, 4);
    expect(ticks[0]).toBe(0);
    expect(ticks.at(-1)).toBeGreaterThanOrEqual(most * (1 - 1e-9));
    expect(ticks.length).toBeLessThanOrEqual(6);
  }
  expect([niceCeil(0), niceCeil(3), niceCeil(21), niceCeil(100)]).toEqual([1, 5, 25, 100]);
});

test("durations step by what clocks step by", () => {
  expect(durationTicks(600_000, 4)).toEqual([0, 300_000, 600_000]);
  expect(durationTicks(3000, 4)).toEqual([0, 1000, 2000, 3000]);
});

test("times are round where the reader is", () => {
  const H = 3_600_000;
  const half = 5.5 * H; // India
  for (const time of timeTicks(0, 24 * H, 8, half)) expect((time + half) % (3 * H)).toBe(0);
});

test("levels: nothing is 0, the least is 1, the most is the top", () => {
  expect([sqrtLevel(0, 100, 7), sqrtLevel(1, 10_000, 7), sqrtLevel(25, 100, 7), sqrtLevel(100, 100, 7)]).toEqual([
    0, 1, 4, 7,
  ]);
  expect([shareLevel(0, 7), shareLevel(0.01, 7), shareLevel(1, 7), shareLevel(3, 7)]).toEqual([0, 1, 7, 7]);
});

test("a gap is never bridged", () => {
  expect(stretches([1, 2, null, 3, null, null, 4, 5])).toEqual([
    [0, 1],
    [3, 3],
    [6, 7],
  ]);
});

import { expect, test } from "vitest";
import { before, shifted, sides, stepFor, windowOf } from "./window";

const NOW = Date.parse("2026-01-08T14:02:11Z");
const H = 3_600_000;
const at = (text: string) => Date.parse(text);

test("a preset ends with the minute that goes on, and begins on a bucket", () => {
  const window = windowOf({ range: "6h" }, NOW, true);
  expect(window).toMatchObject({ to: at("2026-01-08T14:03Z"), stepMs: 300_000, live: true, preset: "6h" });
  expect(window.from % window.stepMs).toBe(0);
  expect(window.to - window.from).toBeLessThanOrEqual(6 * H);
  expect(window.to - window.from).toBeGreaterThan(6 * H - window.stepMs);
});

test("nothing, or nonsense, is the default", () => {
  for (const search of [
    {},
    { range: "7y" },
    { from: "soon" },
    { from: "2026-01-09T00:00:00Z", to: "2026-01-08T00:00:00Z" },
  ]) {
    expect(windowOf(search, NOW, true).preset).toBe("6h");
  }
});

test("last night is from ten to six, and goes on while it is night", () => {
  expect(windowOf({ range: "night" }, NOW, true)).toMatchObject({
    from: at("2026-01-07T22:00Z"),
    to: at("2026-01-08T06:00Z"),
    live: false,
  });
  const early = at("2026-01-08T01:00:30Z");
  expect(windowOf({ range: "night" }, early, true)).toMatchObject({
    from: at("2026-01-07T22:00Z"),
    to: at("2026-01-08T01:01Z"),
    live: true,
  });
});

test("fixed sides stay, and the window before is as long", () => {
  const window = windowOf({ from: "2026-01-08T08:00:00Z", to: "2026-01-08T10:00:00Z" }, NOW, true);
  expect(window).toMatchObject({
    from: at("2026-01-08T08:00Z"),
    to: at("2026-01-08T10:00Z"),
    live: false,
    preset: null,
  });
  expect(before(window)).toMatchObject({ from: at("2026-01-08T06:00Z"), to: at("2026-01-08T08:00Z") });
});

test("shifting goes by half, and ends where now begins", () => {
  const window = windowOf({ from: "2026-01-08T08:00:00Z", to: "2026-01-08T10:00:00Z" }, NOW, true);
  expect(shifted(window, -1, NOW)).toEqual(sides(at("2026-01-08T07:00Z"), at("2026-01-08T09:00Z")));
  expect(shifted(windowOf({ range: "1h" }, NOW, true), 1, NOW)).toEqual({ range: "1h" });
});

test("whatever the length, a screen holds the buckets, and they are whole minutes", () => {
  for (let hours = 0.1; hours < 24 * 5000; hours *= 1.37) {
    const step = stepFor(hours * H);
    expect((hours * H) / step).toBeLessThanOrEqual(97);
    expect(step % 60_000).toBe(0);
  }
});

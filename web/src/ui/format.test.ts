import { describe, expect, test } from "vitest";
import { makeFormat, NONE } from "./format";

const en = makeFormat("en", "utc", null);
const zh = makeFormat("zh", "utc", null);
const NOW = Date.parse("2026-01-08T14:00:00Z");

test.each([
  [0, "0 ms"],
  [0.4, "0.4 ms"],
  [850, "850 ms"],
  [999.6, "1.0 s"],
  [4200, "4.2 s"],
  [59_949, "59.9 s"],
  [59_960, "1 m 00 s"],
  [185_000, "3 m 05 s"],
  [3_599_600, "1 h 00 m"],
  [7_440_000, "2 h 04 m"],
  [145 * 86_400_000, "145 d 00 h"],
])("%d ms is written %s", (ms, text) => {
  expect(en.duration(ms)).toBe(text);
});

test("nothing is never 0", () => {
  expect([en.duration(null), en.count(null), en.rate(null), en.clock(null, NOW), en.bytes(undefined)]).toEqual(
    Array(5).fill(NONE),
  );
});

test("counts are exact to 99,999, then have three digits", () => {
  expect([en.count(99_999), en.count(1_234_567), zh.count(1_234_567)]).toEqual(["99,999", "1.23M", "123万"]);
});

describe("rates", () => {
  test.each([
    [1, "100 %"],
    [0.99999, "99.9 %"],
    [0.9995, "99.9 %"],
    [0.962, "96.2 %"],
    [0.0001, "< 0.1 %"],
    [0, "0 %"],
  ])("%d is %s: never rounded up to all, nor down to none", (rate, text) => {
    expect(en.rate(rate)).toBe(text);
  });
});

test("times of today stand alone, others with their date", () => {
  expect(en.clock("2026-01-08T08:28:15.250Z", NOW)).toBe("08:28:15");
  expect(en.clock("2026-01-07T08:28:15Z", NOW)).toBe("7 Jan 08:28:15");
  expect(en.clock("2022-05-13T03:28:56Z", NOW)).toBe("13 May 2022 03:28:56");
});

test("ages are the largest unit", () => {
  expect([en.ago(NOW - 500, NOW), en.ago(NOW - 250_000, NOW), zh.ago(NOW - 250_000, NOW)]).toEqual([
    "just now",
    "4 m ago",
    "4 分前",
  ]);
});

test("lengths are round, in both languages", () => {
  expect([en.length(900_000), zh.length(900_000), zh.length(7_200_000), en.length(61_000)]).toEqual([
    "15 min",
    "15 分钟",
    "2 小时",
    "61 s",
  ]);
});

test("changes have a sign, and large ones a factor", () => {
  expect([en.change(0.12), en.change(-0.5), en.change(39), en.points(-0.021)]).toEqual([
    "+12 %",
    "−50 %",
    "× 40",
    "−2.1",
  ]);
});

test("bytes are binary", () => {
  expect([en.bytes(0), en.bytes(1536), en.bytes(80 * 1024 ** 3)]).toEqual(["0 B", "1.5 KiB", "80 GiB"]);
});

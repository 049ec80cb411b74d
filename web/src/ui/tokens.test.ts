import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

type Rgb = [number, number, number];
const css = readFileSync(join(import.meta.dirname, "tokens.css"), "utf8");
const themes = ["light", "dark"] as const;
const colours = Object.fromEntries(
  [...css.matchAll(/--([\w-]+): light-dark\(#([0-9a-f]{6}), #([0-9a-f]{6})\)/g)].map(([, name, light, dark]) => [
    name,
    { light: rgb(light ?? ""), dark: rgb(dark ?? "") },
  ]),
) as Record<string, Record<(typeof themes)[number], Rgb>>;

function rgb(hex: string): Rgb {
  return [0, 2, 4].map((at) => Number.parseInt(hex.slice(at, at + 2), 16) / 255) as Rgb;
}

const linear = (value: number) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);

/** WCAG 2: relative luminance and contrast. */
const luminance = ([r, g, b]: Rgb) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
function contrast(a: Rgb, b: Rgb): number {
  const [high, low] = [luminance(a), luminance(b)].toSorted((x, y) => y - x) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

/** OKLab, B. Ottosson 2020; here times 100. */
function oklab(linearRgb: Rgb): Rgb {
  const [r, g, b] = linearRgb;
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    100 * (0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s),
    100 * (1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s),
    100 * (0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s),
  ];
}

/** Machado, Oliveira, Fernandes 2009, severity 1, over linear RGB. */
const SIGHT: Record<string, number[][]> = {
  full: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protan: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deutan: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritan: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

function seen(colour: Rgb, sight: string): Rgb {
  const [r, g, b] = colour.map(linear) as Rgb;
  const mixed = (SIGHT[sight] ?? []).map(([x = 0, y = 0, z = 0]) => Math.min(1, Math.max(0, x * r + y * g + z * b)));
  return oklab(mixed as Rgb);
}

const of = (name: string, theme: (typeof themes)[number]): Rgb => {
  const colour = colours[name]?.[theme];
  if (!colour) throw new Error(`tokens.css has no colour ${name}`);
  return colour;
};

describe.each(themes)("the %s theme", (theme) => {
  const grounds = ["canvas", "surface", "sunken"];

  test.each(["text", "text2", "text3", "accent", "ok-ink", "bad-ink", "warn-ink", "lost-ink", "quiet-ink"])(
    "%s reads on every ground",
    (name) => {
      for (const ground of grounds) expect(contrast(of(name, theme), of(ground, theme))).toBeGreaterThanOrEqual(4.5);
    },
  );

  test.each(["ok", "bad", "warn", "lost", "quiet"])("the ink of %s reads on its tint", (kind) => {
    expect(contrast(of(`${kind}-ink`, theme), of(`${kind}-tint`, theme))).toBeGreaterThanOrEqual(4.5);
  });

  test("accents read on what they stand on", () => {
    expect(contrast(of("accent", theme), of("accent-tint", theme))).toBeGreaterThanOrEqual(4.5);
    expect(contrast(of("on-accent", theme), of("accent", theme))).toBeGreaterThanOrEqual(4.5);
    expect(contrast(of("on-accent", theme), of("bad-ink", theme))).toBeGreaterThanOrEqual(4.5);
  });

  test.each(["edge", "ok-fill", "bad-fill", "warn-fill", "lost-fill"])("%s is seen on the surface", (name) => {
    expect(contrast(of(name, theme), of("surface", theme))).toBeGreaterThanOrEqual(3);
  });

  test.each(Object.keys(SIGHT))("fills are told apart with %s sight", (sight) => {
    const fills = ["ok-fill", "bad-fill", "warn-fill", "lost-fill"].map((name) => seen(of(name, theme), sight));
    for (const [index, a] of fills.entries()) {
      for (const b of fills.slice(index + 1)) {
        expect(Math.hypot(...a.map((value, axis) => value - (b[axis] ?? 0)))).toBeGreaterThanOrEqual(13);
      }
    }
  });

  test.each(["heat", "load"])("the ramp of %s steps one way, evenly", (ramp) => {
    const levels = Array.from({ length: 7 }, (_, index) => seen(of(`${ramp}-${index + 1}`, theme), "full")[0]);
    const steps = levels.slice(1).map((level, index) => (level - (levels[index] ?? 0)) * (theme === "dark" ? 1 : -1));
    const mean = steps.reduce((sum, step) => sum + step, 0) / steps.length;
    for (const step of steps) {
      expect(step).toBeGreaterThan(mean * 0.4);
      expect(step).toBeLessThan(mean * 1.8);
    }
  });
});

const root = join(import.meta.dirname, "..");
const sheets = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".css"));

test.each(sheets.filter((path) => !path.endsWith("tokens.css")))("%s names no colour", (path) => {
  expect(readFileSync(join(root, path), "utf8").match(/#[0-9a-f]{3,8}\b|rgb\(|hsl\(/gi)).toBeNull();
});

test.each(themes)("figures read on every level of heat in the %s theme", (theme) => {
  for (let level = 1; level <= 7; level += 1) {
    const ink = of(level <= 3 ? "on-heat-low" : level <= 5 ? "on-heat-mid" : "on-heat-high", theme);
    expect(contrast(ink, of(`heat-${level}`, theme)), `level ${level}`).toBeGreaterThanOrEqual(4.5);
  }
});

import { expect, test } from "vitest";

type Catalogue = Record<string, unknown>;
const english = import.meta.glob<{ en: Catalogue }>("./**/messages.en.ts", { eager: true });
const chinese = import.meta.glob<{ zh: Catalogue }>("./**/messages.zh.ts", { eager: true });

/** Every text by its path; functions are called with texts that say nothing in either language. */
function texts(value: unknown, path: string): [string, string][] {
  if (typeof value === "string") return [[path, value]];
  if (typeof value === "function") return [[path, String(value(...Array(value.length).fill("7")))]];
  return Object.entries(value as Catalogue).flatMap(([key, below]) => texts(below, `${path}.${key}`));
}

const pairs = Object.keys(english).map((path) => [path, path.replace(".en.ts", ".zh.ts")] as const);

test.each(pairs)("%s has a Chinese side with the same texts", (en, zh) => {
  const keys = (value: unknown, path: string) => texts(value, path).map(([key]) => key);
  expect(keys(chinese[zh]?.zh, "")).toEqual(keys(english[en]?.en, ""));
});

/** What is the same in both languages: units, names of products and of ours. */
const SAME = /\b(P50|P95|UTC|Prometheus|English|send_alert_notifications|interface)\b|±|%|× /g;

test.each(pairs)("nothing of %s is left in English", (_, zh) => {
  const left = texts(chinese[zh]?.zh, "").filter(([, text]) => /[A-Za-z]{2,}/.test(text.replace(SAME, "")));
  expect(left).toEqual([]);
});

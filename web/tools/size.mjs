// Holds the pages to their budget: what the first page loads, and what each other page adds, in kB of gzip.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const FIRST_KB = 350;
const OTHER_KB = 60;
const folder = "../src/taskscope/server/static";
const manifestPath = join(folder, "manifest.json");

if (!existsSync(manifestPath)) {
  console.log("The pages are not built, so their size is not known: npm run build");
  process.exit(0);
}
const manifest = JSON.parse(readFileSync(manifestPath, "utf8"));
const entry = Object.keys(manifest).find((key) => manifest[key].isEntry);

const filesOf = (key, seen = new Set()) => {
  if (seen.has(key)) return seen;
  seen.add(key);
  for (const below of manifest[key].imports ?? []) filesOf(below, seen);
  return seen;
};
const size = (keys) => {
  const files = new Set(keys.flatMap((key) => [manifest[key].file, ...(manifest[key].css ?? [])]));
  return (
    [...files].reduce((sum, file) => sum + gzipSync(readFileSync(join(folder, file)), { level: 9 }).length, 0) / 1000
  );
};

const shell = filesOf(entry);
const pages = (manifest[entry].dynamicImports ?? []).map((key) => ({
  key,
  kb: size([...filesOf(key)].filter((one) => !shell.has(one))),
}));
const overview = pages.find((page) => page.key.includes("features/overview/"));
const first = size([...shell]) + (overview?.kb ?? 0);
const heavy = pages.filter((page) => page.kb > OTHER_KB);

console.log(
  `first page ${first.toFixed(0)} kB of ${FIRST_KB}; the others add at most ${Math.max(...pages.map((page) => page.kb)).toFixed(0)} of ${OTHER_KB}`,
);
for (const page of heavy) console.error(`${page.key}: ${page.kb.toFixed(0)} kB is over the budget`);
if (first > FIRST_KB) console.error("the first page is over its budget");
process.exit(first > FIRST_KB || heavy.length > 0 ? 1 : 0);

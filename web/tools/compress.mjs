// Lays a Brotli and a gzip copy beside each file that becomes smaller by it, so that no server has to compress anything.
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { extname, join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";

const folder = process.argv[2];
const texts = new Set([".html", ".js", ".css", ".svg"]);

for (const name of readdirSync(folder, { recursive: true })) {
  const path = join(folder, name);
  if (!statSync(path).isFile() || !texts.has(extname(path))) continue;
  const plain = readFileSync(path);
  for (const [ending, packed] of [
    [".br", brotliCompressSync(plain)],
    [".gz", gzipSync(plain, { level: 9 })],
  ]) {
    if (packed.length < plain.length * 0.9) writeFileSync(path + ending, packed);
  }
}

// What a browser loads before anything is shown: the entry and all that it imports at once. It stays small.
import { readFileSync, rmSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const BUDGET_KB = 250;
const www = new URL('../dist/www/', import.meta.url);
const manifest = JSON.parse(readFileSync(new URL('manifest.json', www), 'utf8'));
const wanted = new Set();
const follow = (key) => {
  if (wanted.has(key)) return;
  wanted.add(key);
  for (const next of manifest[key].imports ?? []) follow(next);
};
for (const [key, chunk] of Object.entries(manifest)) if (chunk.isEntry) follow(key);
let total = 0;
for (const key of wanted) {
  const bytes = gzipSync(readFileSync(new URL(manifest[key].file, www)), { level: 9 }).length;
  total += bytes;
  process.stdout.write(`${(bytes / 1024).toFixed(1).padStart(8)} KB  ${manifest[key].file}\n`);
}
const kb = total / 1024;
process.stdout.write(`${kb.toFixed(1).padStart(8)} KB  entry, of ${BUDGET_KB} KB allowed\n`);
if (kb > BUDGET_KB) {
  process.stderr.write('the entry is too large: load what is not needed at once by import()\n');
  process.exit(1);
}
// It served this alone.
for (const end of ['', '.br', '.gz']) rmSync(new URL(`manifest.json${end}`, www), { force: true });

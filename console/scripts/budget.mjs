// What a browser loads before anything is shown, around every page, and for each page more. It stays small.
import { readFileSync, rmSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const ENTRY_KB = 250;
const ROUTE_KB = 250;
/** Around every page, loaded once with the first of them. */
const FRAME = 'src/app/Shell.tsx';
const SHOWN = 3;

const www = new URL('../dist/www/', import.meta.url);
const manifest = JSON.parse(readFileSync(new URL('manifest.json', www), 'utf8'));
const sizes = new Map();
const sizeOf = (key) => {
  if (!sizes.has(key)) sizes.set(key, gzipSync(readFileSync(new URL(manifest[key].file, www)), { level: 9 }).length);
  return sizes.get(key);
};
/** What comes with a chunk and is not there yet. */
function coming(keys, there = new Set()) {
  const wanted = new Set();
  const follow = (key) => {
    if (wanted.has(key) || there.has(key)) return;
    wanted.add(key);
    for (const next of manifest[key].imports ?? []) follow(next);
  };
  for (const key of keys) follow(key);
  return wanted;
}
const kbOf = (keys) => [...keys].reduce((total, key) => total + sizeOf(key), 0) / 1024;
const line = (kb, text) => process.stdout.write(`${kb.toFixed(1).padStart(8)} KB  ${text}\n`);
const faults = [];
const judge = (kb, allowed, what) => {
  line(kb, `${what}, of ${allowed} KB allowed`);
  if (kb > allowed) faults.push(what);
};

const keys = Object.keys(manifest);
const entry = coming(keys.filter((key) => manifest[key].isEntry));
for (const key of entry) line(sizeOf(key) / 1024, manifest[key].file);
judge(kbOf(entry), ENTRY_KB, 'entry');
if (!manifest[FRAME])
  throw new Error(`${FRAME} is no chunk of its own any more: say here what stands around every page`);
const frame = coming([FRAME], entry);
judge(kbOf(frame), ROUTE_KB, 'frame beyond the entry');
const there = new Set([...entry, ...frame]);
const routes = keys.filter((key) => manifest[key].isDynamicEntry && key !== FRAME);
const more = routes.map((key) => ({ key, kb: kbOf(coming([key], there)) })).sort((a, b) => b.kb - a.kb);
for (const { key, kb } of more.slice(0, SHOWN)) judge(kb, ROUTE_KB, `${key} beyond entry and frame`);
if (faults.length > 0) {
  process.stderr.write(`too large: ${faults.join(', ')}. Load what is not needed at once by import()\n`);
  process.exit(1);
}
// It served this alone.
for (const end of ['', '.br', '.gz']) rmSync(new URL(`manifest.json${end}`, www), { force: true });

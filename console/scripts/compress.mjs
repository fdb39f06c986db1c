// Writes `.br` and `.gz` beside each file of the build that they make smaller; the server sends those.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const www = new URL('../dist/www/', import.meta.url);
for (const name of readdirSync(www, { recursive: true, withFileTypes: true })) {
  if (!name.isFile()) continue;
  const path = `${name.parentPath}/${name.name}`;
  const plain = readFileSync(path);
  const coded = {
    br: brotliCompressSync(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }),
    gz: gzipSync(plain, { level: 9 }),
  };
  for (const [end, bytes] of Object.entries(coded)) {
    if (bytes.length < plain.length) writeFileSync(`${path}.${end}`, bytes);
  }
}

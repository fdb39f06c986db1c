// Fails where src/api/schema.d.ts is not what docs/openapi.json says.
import { readFileSync } from 'node:fs';
import openapiTS, { astToString } from 'openapi-typescript';

const wanted = astToString(await openapiTS(new URL('../../docs/openapi.json', import.meta.url)));
const there = readFileSync(new URL('../src/api/schema.d.ts', import.meta.url), 'utf8');
const body = (text) => text.replace(/^\/\*\*[\s\S]*?\*\/\s*/, '').trim();
if (body(wanted) !== body(there)) {
  process.stderr.write('src/api/schema.d.ts is out of step with docs/openapi.json: run `npm run generate`\n');
  process.exit(1);
}

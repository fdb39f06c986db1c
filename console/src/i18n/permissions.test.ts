import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { FIELDS, PERMISSIONS, permissionWords } from './permissions';

const source = readFileSync(new URL('../../../engine/src/http/permission.rs', import.meta.url), 'utf8');

/** Whoever ticks the rights of a role reads in his own language what each is. */
test('every permission key and field of the engine has Chinese words', () => {
  const keys = [...source.matchAll(/^ {4}[A-Z_]+ = "([a-z_.]+)";$/gm)].map(([, key]) => key ?? '');
  expect(keys.length).toBeGreaterThan(60);
  expect(keys.filter((key) => !(key in PERMISSIONS))).toEqual([]);
  const fields = [...source.matchAll(/phone\("(\w+)", "(\w+)"\)/g)].map(([, object, field]) => `${object}.${field}`);
  expect(fields.length).toBeGreaterThan(5);
  expect(fields.filter((name) => !(name in FIELDS))).toEqual([]);
});

test('what has no Chinese words is said as the server says it, without numbers of requirements', () => {
  expect(permissionWords('x.y', 'Read the agent state log (LOG-01).')).toBe('Read the agent state log');
  expect(permissionWords('x.y', 'Talk in the call of an agent (强插, MON-25).')).toBe('Talk in the call of an agent');
  expect(permissionWords('calls.barge', 'Talk in the call of an agent.')).toBe('强插');
});

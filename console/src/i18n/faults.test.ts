import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { FAULTS } from './faults';
import { refusal } from './refusals';

const FILES = ['department', 'employee', 'role', 'rights', 'block', 'tenant', 'api_token', 'me'];
const TEXT = /"((?:[^"\\\n]|\\.)*)"/g;
/** Words between blanks; descriptions are for the reference. */
const isSentence = (text: string) => /^[\w`{].* .* /.test(text);

function sentences(file: string): string[] {
  const source = readFileSync(new URL(`../../../engine/src/http/${file}.rs`, import.meta.url), 'utf8');
  const lines = (source.split('#[cfg(test)]')[0] ?? '').split('\n');
  return lines
    .filter((line) => !/description =|\/\/|example =|expect\(/.test(line))
    .flatMap((line) => [...line.matchAll(TEXT)].map(([, text]) => text ?? ''))
    .filter(isSentence)
    .map((sentence) => sentence.replace(/{[^}]*}/g, '{}'));
}

/** An administrator reads in Chinese why something is refused. */
test('what the server says of people, rights, block lists, tokens and the enterprise has Chinese words', () => {
  const said = FILES.flatMap(sentences);
  expect(said.length).toBeGreaterThan(25);
  expect(said.filter((sentence) => FAULTS[sentence] === undefined)).toEqual([]);
});

test('what the server puts in stands in the Chinese words, too', () => {
  expect(refusal('role Team leader names it; change that first')).toBe(
    '角色“Team leader”的数据权限使用了该部门，请先修改',
  );
});

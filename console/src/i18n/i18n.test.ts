import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { en } from './en';
import { CRM_REFUSALS, learn, PHASES, REFUSALS, refusal, VERBS } from './refusals';
import { zhCN } from './zh-CN';

type Tree = { [key: string]: string | Tree };

function flat(tree: Tree, above = ''): Map<string, string> {
  const all = new Map<string, string>();
  for (const [key, value] of Object.entries(tree)) {
    if (typeof value === 'string') all.set(above + key, value);
    else for (const [path, text] of flat(value, `${above}${key}.`)) all.set(path, text);
  }
  return all;
}

const [chinese, english] = [flat(zhCN as Tree), flat(en as unknown as Tree)];
const holes = (text: string) => [...text.matchAll(/{{(\w+)}}/g)].map(([, name]) => name).sort();

/** Proves GEN-17: both languages have every word, with the same things to fill in. */
test('no language lacks a word', () => {
  expect([...english.keys()].sort()).toEqual([...chinese.keys()].sort());
  for (const [key, text] of chinese) {
    expect(text.trim(), key).not.toBe('');
    expect(english.get(key)?.trim(), key).not.toBe('');
    expect(holes(english.get(key) ?? ''), key).toEqual(holes(text));
  }
});

test('the English words have no Chinese in them', () => {
  for (const [key, text] of english) expect(text, key).not.toMatch(/[一-鿿]/);
});

function sources(folder: URL): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name) && !/\.test\.ts$/.test(entry.name))
    .map((entry) => `${entry.parentPath}/${entry.name}`)
    .filter((path) => !path.includes('/i18n/') && !path.endsWith('schema.d.ts'));
}

test('no word stands in a page itself, and each word is used', () => {
  const texts = sources(new URL('..', import.meta.url)).map((path) => [path, readFileSync(path, 'utf8')] as const);
  for (const [path, text] of texts) expect(text.match(/[一-鿿]/)?.[0], path).toBe(undefined);
  const all = texts.map(([, text]) => text).join('\n');
  // A word is named whole, or its group is, with the last part put in: `t(`state.${name}`)`.
  const unused = [...chinese.keys()].filter((key) => {
    const group = key.slice(0, key.lastIndexOf('.') + 1);
    return !all.includes(`'${key}'`) && !all.includes(`\`${group}\${`);
  });
  expect(unused).toEqual([]);
});

function sentences(path: string, pattern: RegExp): string[] {
  const text = readFileSync(new URL(`../../../engine/switch/src/${path}`, import.meta.url), 'utf8');
  return [...text.matchAll(pattern)].map(([, sentence]) => sentence ?? '');
}

/** Whatever the switch refuses, an agent reads why in Chinese. */
test('every refusal of the switch is known', () => {
  const errors = /#\[error\(\s*"([^"{]+)"/g;
  const output = readFileSync(new URL('../../../engine/switch/src/output.rs', import.meta.url), 'utf8');
  const refused = output.slice(output.indexOf('pub enum Refused'));
  const said = [...refused.matchAll(errors)].map(([, sentence]) => sentence ?? '');
  said.push(...sentences('agent/change.rs', errors));
  expect(said.length).toBeGreaterThan(40);
  expect(said.filter((sentence) => REFUSALS[sentence] === undefined)).toEqual([]);
  const arms = /Self::\w+ => "([^"]+)"/g;
  const known = { ...VERBS, ...PHASES };
  expect(sentences('agent/allowed.rs', arms).filter((sentence) => known[sentence] === undefined)).toEqual([]);
});

test('what the CRM refuses is said as its source says it', () => {
  const folder = new URL('../../../crm-plugin/src/api/', import.meta.url);
  const files = readdirSync(folder).map((name) => new URL(name, folder));
  files.push(new URL('../../../engine/src/plugins/host.rs', import.meta.url));
  const all = files.map((file) => readFileSync(file, 'utf8')).join('\n');
  expect(Object.keys(CRM_REFUSALS).filter((sentence) => !all.includes(`"${sentence}"`))).toEqual([]);
});

test('a refusal for the phase of a call is put together', () => {
  expect(refusal('cannot hold now: the other party is on hold; retrieve it first')).toBe(
    '现在不能保持：对方处于保持中，请先取回',
  );
  expect(refusal('something else')).toBe(undefined);
});

test('pages teach what they meet, with parts that are taken over', () => {
  learn({ '{} employees are in it; move them (first)': '其中有 {} 名员工，请先调整' });
  expect(refusal('12 employees are in it; move them (first)')).toBe('其中有 12 名员工，请先调整');
  expect(refusal('employees are in it; move them first')).toBe(undefined);
});

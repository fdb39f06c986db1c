import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { promptWords as english } from './en/promptWords';
import { promptWords as chinese } from './zh-CN/promptWords';

function spoken(language: string): Record<string, string> {
  const text = readFileSync(new URL(`../../../conf/prompts/${language}.txt`, import.meta.url), 'utf8');
  const lines = text.split('\n').flatMap((line) => {
    const [name, words] = line.split('\t');
    return name && words && !/^(#|number_|digit_)/.test(name) ? [[name, words] as const] : [];
  });
  return Object.fromEntries(lines);
}

test('the console knows the default prompts, and what they say', () => {
  expect(english).toEqual(spoken('en'));
  // Mandarin counts minutes by one word.
  const { minute: _, ...others } = chinese;
  expect(others).toEqual(spoken('zh-CN'));
});

import { expect, test } from 'vitest';
import { syllablesOf } from './pinyin';
import { isSought } from './search';

const who = (name: string) => ({ agent: '10002', extension: '1002', name, syllables: syllablesOf(name) });
const finds = (typed: string, name: string) => isSought(typed, who(name));

test('a colleague is found by number, extension and name', () => {
  for (const typed of ['', '10002', '002', '1002', '张', '张伟', ' 张 伟'])
    expect(finds(typed, '张伟'), typed).toBe(true);
  for (const typed of ['10003', '李', '伟张']) expect(finds(typed, '张伟'), typed).toBe(false);
  expect(finds('wang', 'Wang Li')).toBe(true);
});

test('a name is found by what it sounds like', () => {
  for (const typed of ['zw', 'ZW', 'zhangwei', 'zhang wei', 'zhangw', 'zwei', 'zhwei', 'wei', 'w']) {
    expect(finds(typed, '张伟'), typed).toBe(true);
  }
  for (const typed of ['wz', 'zl', 'zhangweiw', 'hang', 'zww']) expect(finds(typed, '张伟'), typed).toBe(false);
});

test('a surname sounds as surnames do', () => {
  expect(finds('shan', '单雄')).toBe(true);
  expect(finds('zeng', '曾国')).toBe(true);
  expect(finds('ouyang', '欧阳娜')).toBe(true);
  expect(finds('oyn', '欧阳娜')).toBe(true);
});

test('somebody without Chinese name has no syllables', () => {
  expect(syllablesOf('Agent 10002')).toEqual([]);
});

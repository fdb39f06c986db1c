import { expect, test } from 'vitest';
import { filled, numbersOf, placesOf } from './text';

test('the places of a template are filled', () => {
  const content = '{name}，工单{id}已受理，{name}';
  expect(placesOf(content)).toEqual(['name', 'id']);
  expect(filled(content, { name: '李', id: '' })).toBe('李，工单{id}已受理，李');
});

test('numbers stand with either comma between, each once', () => {
  expect(numbersOf(' 13800138000,，13900139000， 13800138000 ')).toEqual(['13800138000', '13900139000']);
});

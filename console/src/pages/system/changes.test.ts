import { expect, test } from 'vitest';
import { changes } from './changes';

test('only what differs is shown, lists and objects by their content', () => {
  const was = { name: 'sales', members: ['1'], limit: 3 };
  const is = { name: 'sales', members: ['1', '2'], note: 'new' };
  expect(changes(was, is).map(({ field }) => field)).toEqual(['limit', 'members', 'note']);
  expect(changes(was, is)[0]).toEqual({ field: 'limit', before: '3', after: '' });
});

test('of what is new or gone, all is shown', () => {
  expect(changes(null, { name: 'a' })).toEqual([{ field: 'name', before: '', after: 'a' }]);
  expect(changes({ name: 'a' }, undefined)).toEqual([{ field: 'name', before: 'a', after: '' }]);
});

import { expect, test } from 'vitest';
import { joined, type Message, unread } from './messages';

const task = (key: string, at: string): Message => ({ kind: 'task', key, at, module: 'voicemails', rows: 1 });

test('a message is told once, the newest stands first, and what was cleared does not come back', () => {
  const first = task('task 1', '2026-11-27T08:00:00.000Z');
  const second = task('task 2', '2026-11-27T09:00:00.000Z');
  const both = joined([first], [first, second], '');
  expect(both.map(({ key }) => key)).toEqual(['task 2', 'task 1']);
  expect(joined(both, [first], '')).toBe(both);
  expect(joined([], [first, second], '2026-11-27T08:30:00.000Z')).toEqual([second]);
  expect(unread({ messages: both, readAt: '2026-11-27T08:00:00.000Z' })).toBe(1);
});

test('no more than fifty are kept', () => {
  const many = Array.from({ length: 60 }, (_, at) => task(`task ${at}`, new Date(at * 1000).toISOString()));
  expect(joined([], many, '')).toHaveLength(50);
});

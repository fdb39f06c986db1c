import { expect, test } from 'vitest';
import type { Schemas } from '../api/client';
import { columnsOf } from './Ladder';

const message = (leg_id: string, direction: string, far: string) => {
  const [from, to] = direction === 'sent' ? ['server', far] : [far, 'server'];
  return { leg_id, direction, from, to } as Schemas['LadderMessage'];
};

test("the caller's side stands left of the server, and each far end once", () => {
  const messages = [
    message('b', 'sent', 'phone'),
    message('a', 'received', 'trunk'),
    message('b', 'received', 'phone'),
    message('c', 'sent', 'other'),
  ];
  expect(columnsOf(messages, new Set(['a']))).toEqual({ ends: ['trunk', 'phone', 'other'], server: 1 });
  expect(columnsOf([], new Set())).toEqual({ ends: [], server: 0 });
});

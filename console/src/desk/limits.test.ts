import { expect, test } from 'vitest';
import { figuresOf, type Limits, level } from './limits';

const LIMITS: Limits = {
  waiting: { warn: 3, alarm: 9 },
  longest_wait_s: { warn: 20, alarm: 60 },
  abandoned_percent: null,
  service_level_percent: { warn: 90, alarm: 80 },
};

test('a figure is marked from its limit on, and a service level from there downwards', () => {
  const told = (figure: keyof Limits, ...values: (number | undefined)[]) =>
    values.map((value) => level(figure, value, LIMITS));
  expect(told('waiting', 0, 2, 3, 8, 9, 100)).toEqual(['fine', 'fine', 'warn', 'warn', 'alarm', 'alarm']);
  expect(told('longest_wait_s', undefined, 19, 20, 60)).toEqual(['fine', 'fine', 'warn', 'alarm']);
  expect(told('abandoned_percent', 0, 100)).toEqual(['fine', 'fine']);
  expect(told('service_level_percent', undefined, 100, 90.01, 90, 80.5, 80, 0)).toEqual([
    'fine',
    'fine',
    'fine',
    'warn',
    'warn',
    'alarm',
    'alarm',
  ]);
});

test('the figures of several queues are those of all their callers', () => {
  const now = Date.parse('2026-11-22T08:31:00.500Z');
  const none = { waiting: 0, longest_waiting_since: null, entered: 0, abandoned: 0, within_target: 0 };
  expect(figuresOf([none], now)).toEqual({
    waiting: 0,
    longest_wait_s: undefined,
    abandoned_percent: undefined,
    service_level_percent: undefined,
  });
  const busy = {
    waiting: 2,
    longest_waiting_since: '2026-11-22T08:30:30.000Z',
    entered: 3,
    abandoned: 1,
    within_target: 2,
  };
  const calm = { ...none, waiting: 1, longest_waiting_since: '2026-11-22T08:30:50.000Z', entered: 1, within_target: 1 };
  expect(figuresOf([calm, none, busy], now)).toEqual({
    waiting: 3,
    longest_wait_s: 30,
    abandoned_percent: 25,
    service_level_percent: 75,
  });
});

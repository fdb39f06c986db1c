import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { EVENT_TYPES, eventOptions } from './eventTypes';

test('every type of event can be chosen', () => {
  const document = readFileSync(new URL('../../../../docs/events.md', import.meta.url), 'utf8');
  const types = [...document.matchAll(/^## (\w+\.\w+)$/gm)].map(([, type]) => type);
  expect(types.length).toBeGreaterThan(40);
  expect([...EVENT_TYPES]).toEqual(types.sort());
});

test('a prefix takes all below it', () => {
  expect(eventOptions()[0]).toEqual({ value: 'agent.*' });
});

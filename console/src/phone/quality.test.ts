import { expect, test } from 'vitest';
import { grade, lately, lostPart } from './quality';

const GOOD = { roundTripMs: 40, jitterMs: 3, received: 1_000, lost: 0 };

test('a call is as good as the worst of its figures', () => {
  expect(grade(GOOD)).toBe('good');
  expect(grade({ ...GOOD, roundTripMs: undefined })).toBe('good');
  expect(grade({ ...GOOD, roundTripMs: 301 })).toBe('fair');
  expect(grade({ ...GOOD, jitterMs: 31 })).toBe('fair');
  expect(grade({ ...GOOD, lost: 11 })).toBe('fair');
  expect(grade({ ...GOOD, roundTripMs: 601 })).toBe('poor');
  expect(grade({ ...GOOD, jitterMs: 61 })).toBe('poor');
  expect(grade({ ...GOOD, lost: 60 })).toBe('poor');
});

test('what was lost counts from the last look on', () => {
  const now = { ...GOOD, received: 1_100, lost: 50 };
  expect(lostPart(lately({ ...GOOD, lost: 50 }, now))).toBe(0);
  expect(lostPart(lately(GOOD, now))).toBeCloseTo(1 / 3);
  expect(lately({ ...GOOD, received: 5_000 }, now)).toEqual(now);
  expect(lately(undefined, now)).toEqual(now);
  expect(lostPart({ lost: 0, received: 0 })).toBe(0);
});

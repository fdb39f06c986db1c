import { expect, test } from 'vitest';
import { HOLIDAY, openParts, span, spillParts } from './spans';

test('spans are read as the server reads them', () => {
  expect(span('09:00-18:30')).toEqual({ from: 540, to: 1110 });
  expect(span('00:00-24:00')).toEqual({ from: 0, to: 1440 });
  for (const wrong of ['09:00', '9-18', '24:00-06:00', '09:60-10:00', '09:00-25:00', '09:00-10:00-11:00', ''])
    expect(span(wrong), wrong).toBe(undefined);
});

test('what goes past midnight is drawn on both days', () => {
  expect(openParts(['22:00-06:00', 'x'])).toEqual([{ from: 1320, to: 1440 }]);
  expect(spillParts(['22:00-06:00', '09:00-10:00', '22:00-00:00'])).toEqual([{ from: 0, to: 360 }]);
});

test('holidays are days, ranges, and days of each year', () => {
  for (const text of ['2026-10-01', '2026-10-01..2026-10-07', '01-01']) expect(text).toMatch(HOLIDAY);
  for (const text of ['2026-10', '1-1', 'new year']) expect(text).not.toMatch(HOLIDAY);
});

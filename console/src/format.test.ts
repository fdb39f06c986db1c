import dayjs from 'dayjs';
import { expect, test } from 'vitest';
import { duration, instant, moment, rate } from './format';

/** Proves GEN-04 and GEN-05 as far as they are shown. */
test('durations and rates are shown as the field does', () => {
  expect([0, 999, 61_000, 3_723_900, 360_000_000].map(duration)).toEqual([
    '00:00:00',
    '00:00:00',
    '00:01:01',
    '01:02:03',
    '100:00:00',
  ]);
  expect(duration(null)).toBe('');
  expect([rate(1, 3), rate(0, 0), rate(5, 5)]).toEqual(['33.33%', '0.00%', '100.00%']);
});

/** Proves GEN-03 as far as it is shown. */
test('times are those of the enterprise, wherever the browser is', () => {
  expect(moment('2026-11-22T16:30:00.000Z', 'Asia/Shanghai')).toBe('2026-11-23 00:30:00');
  expect(instant(dayjs('2026-11-23T00:30:00'), 'Asia/Shanghai')).toBe('2026-11-22T16:30:00.000Z');
});

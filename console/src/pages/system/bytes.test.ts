import { expect, test } from 'vitest';
import { bytes } from './bytes';

test('sizes have one decimal, in units of 1,024', () => {
  expect(['0 B', '1023 B', '1.0 KB', '1.5 MB', '2.0 TB']).toEqual(
    [0, 1023, 1024, 1.5 * 1024 ** 2, 2 * 1024 ** 4].map(bytes),
  );
});

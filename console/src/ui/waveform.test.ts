import { expect, test } from 'vitest';
import { peaks } from './waveform';

test('each bar is as high as its loudest sample, in whatever channel', () => {
  const left = new Float32Array([0, 0.5, 0, 0, 0, 0, 0, 0]);
  const right = new Float32Array([0, 0, 0, -0.25, 0, 0, 2, 0]);
  expect(peaks([left, right], 4)).toEqual([0.5, 0.25, 0, 1]);
  expect(peaks([], 2)).toEqual([0, 0]);
});

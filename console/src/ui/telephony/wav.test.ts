import { expect, test } from 'vitest';
import { wav } from './wav';

test('samples are written as a WAV file of 16 bits', () => {
  const bytes = wav(new Float32Array([0, 1, -1, 2]), 48_000);
  const view = new DataView(bytes.buffer);
  expect(new TextDecoder().decode(bytes.slice(0, 16))).toMatch(/^RIFF....WAVEfmt $/s);
  expect(view.getUint32(4, true)).toBe(bytes.length - 8);
  expect(view.getUint32(24, true)).toBe(48_000);
  expect(view.getUint32(40, true)).toBe(8);
  expect([0, 2, 4, 6].map((at) => view.getInt16(44 + at, true))).toEqual([0, 32_767, -32_767, 32_767]);
});

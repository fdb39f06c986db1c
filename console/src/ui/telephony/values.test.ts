import { expect, test } from 'vitest';
import { filled, placeOf, stepOf, stepWritten, tidy, written } from './values';

test('places are read as they are written', () => {
  for (const text of ['1001', 'echo', 'queue:support', 'flow:main', 'room:8000', 'number:+8613800138000'])
    expect(written(placeOf(text))).toBe(text);
  expect(placeOf('voicemail:queue:support')).toEqual({ kind: 'voicemail_queue', name: 'support' });
  expect(written({ kind: 'voicemail_extension', name: '1001' })).toBe('voicemail:extension:1001');
});

test('steps of an overflow are read as they are written', () => {
  for (const text of ['queue:sales', 'number:13800000000', 'flow:night', 'voicemail', 'prompt:queue_busy']) {
    const { kind, name } = stepOf(text);
    expect(stepWritten(kind, name)).toBe(text);
  }
});

test('what is empty is taken away by a change and left out of something new', () => {
  const typed = { name: ' a ', note: '', inner: { user: undefined, at: 0 }, list: ['x'], off: false };
  expect(tidy(typed)).toEqual({ name: 'a', note: null, inner: { user: null, at: 0 }, list: ['x'], off: false });
  expect(filled(typed)).toEqual({ name: 'a', inner: { at: 0 }, list: ['x'], off: false });
});

import { expect, test } from 'vitest';
import { ALL_SHORTCUTS, SHORTCUTS, shortcutOf } from './shortcuts';

const plain = {
  altKey: true,
  code: 'KeyH',
  ctrlKey: false,
  isComposing: false,
  keyCode: 72,
  metaKey: false,
  repeat: false,
  shiftKey: false,
};

test('a shortcut is Alt and a key, and nothing else', () => {
  expect(shortcutOf(plain)).toBe('hold');
  expect(shortcutOf({ ...plain, altKey: false })).toBe(undefined);
  for (const other of ['ctrlKey', 'metaKey', 'shiftKey', 'repeat'])
    expect(shortcutOf({ ...plain, [other]: true }), other).toBe(undefined);
  expect(shortcutOf({ ...plain, code: 'KeyZ' })).toBe(undefined);
  expect(new Set(Object.values(SHORTCUTS)).size).toBe(ALL_SHORTCUTS.length);
});

test('no shortcut while an input method composes', () => {
  expect(shortcutOf({ ...plain, isComposing: true })).toBe(undefined);
  expect(shortcutOf({ ...plain, keyCode: 229 })).toBe(undefined);
});

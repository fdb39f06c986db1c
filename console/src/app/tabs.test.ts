import { expect, test } from 'vitest';
import { closed, closeTabs, useTabs } from './tabs';

const OPEN = ['/', '/a', '/b', '/c'];

/** Proves UI-04 as far as which tabs stay. */
test('each entry of the menu closes what it says, and never the home desk', () => {
  expect(closed(OPEN, '/b', 'this')).toEqual(['/', '/a', '/c']);
  expect(closed(OPEN, '/b', 'others')).toEqual(['/', '/b']);
  expect(closed(OPEN, '/a', 'right')).toEqual(['/', '/a']);
  expect(closed(OPEN, '/b', 'all')).toEqual(['/']);
  expect(closed(OPEN, '/', 'this')).toEqual(OPEN);
  expect(closed(OPEN, '/', 'right')).toEqual(['/']);
});

test('the page beside a closed one is shown', () => {
  const close = (path: string, active: string) => {
    useTabs.setState({ open: OPEN });
    return closeTabs(path, 'this', active);
  };
  expect(close('/c', '/c')).toBe('/b');
  expect(close('/a', '/c')).toBe('/c');
  expect(close('/a', '/a')).toBe('/');
});

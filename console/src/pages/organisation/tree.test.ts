import { expect, test } from 'vitest';
import { type Department, treeOf } from './tree';

const department = (id: string, parent: string | null): Department => ({
  id,
  name: id,
  parent,
  managers: [],
  created_at: '',
  updated_at: '',
});

test('departments lie below each other, whatever their order', () => {
  const tree = treeOf([department('sales-north', 'sales'), department('root', null), department('sales', 'root')]);
  expect(tree.map(({ value }) => value)).toEqual(['root']);
  expect(tree[0]?.children.map(({ value }) => value)).toEqual(['sales']);
  expect(tree[0]?.children[0]?.children.map(({ value }) => value)).toEqual(['sales-north']);
});

test('one whose parent is not seen is not lost', () => {
  expect(treeOf([department('sales', 'unseen')]).map(({ value }) => value)).toEqual(['sales']);
});

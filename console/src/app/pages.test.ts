import { expect, test } from 'vitest';
import { idAt, isInMenu, PAGES, pageAt } from './pages';

test('a page about a single thing is found by any name of it, and stands in no menu', () => {
  expect(pageAt('/call-records')?.name).toBe('callRecords');
  expect(pageAt('/call-records/01JD9Z4E6N8Q2R5T7V9X1B3D5F')?.name).toBe('callDetail');
  expect(idAt('/call-records/01JD9Z4E6N8Q2R5T7V9X1B3D5F')).toBe('01JD9Z4E6N8Q2R5T7V9X1B3D5F');
  for (const path of ['/call-records/', '/nothing', '/tasks/1']) expect(pageAt(path), path).toBe(undefined);
  expect(PAGES.filter((page) => !isInMenu(page)).map(({ name }) => name)).toEqual(['callDetail', 'flowDetail']);
});

import { expect, test } from 'vitest';
import { Problem } from '../../api/problem';
import { pathOf, placed, untold } from './faults';

const invalid = (...fields: string[]) =>
  new Problem(422, {
    type: 'urn:switchboard:problem:invalid',
    errors: fields.map((field) => ({ field, detail: 'no' })),
  });

test('a field is named as the form names it', () => {
  expect(pathOf('name')).toEqual(['name']);
  expect(pathOf('steps.0.to')).toEqual(['steps', 0, 'to']);
  expect(pathOf('')).toEqual([]);
});

test('what is wrong stands at its field, or at the nearest that holds it', () => {
  const names = [['name'], ['agent'], ['agent', 'extension']];
  const { at, rest } = placed(invalid('agent.extension', 'agent.missed_limit', 'colour'), names);
  expect(at).toEqual([
    { name: ['agent', 'extension'], errors: ['no'] },
    { name: ['agent'], errors: ['no'] },
  ]);
  expect(rest).toEqual(['colour: no']);
});

test('what exists already is said at the field that names it', () => {
  const taken = new Problem(409, { type: 'urn:switchboard:problem:already-exists', detail: 'taken' });
  expect(placed(taken, [['name']], 'name').at).toEqual([{ name: ['name'], errors: ['taken'] }]);
  expect(placed(taken, [['name']]).rest).toEqual(['taken']);
});

test('what cannot be seen at its field is left to be said elsewhere', () => {
  const { at } = placed(
    new Problem(422, {
      errors: [
        { field: 'members', detail: 'no agent' },
        { field: 'name', detail: 'too long' },
      ],
    }),
    [['members'], ['name']],
  );
  expect(untold(at, () => true)).toEqual([]);
  expect(untold(at, (text) => text === 'too long')).toEqual(['no agent']);
});

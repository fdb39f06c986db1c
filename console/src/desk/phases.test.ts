import { expect, test } from 'vitest';
import type { Phase } from './model';
import { type Control, cleanNumber, mayDialIn, pickable, works } from './phases';

/** The table of section 5 of the requirements, copied: a row a control, a column a phase; `c` is a consult nobody has answered yet. */
const TABLE = `
                 0    R    D    T    H    c    C    3
dial             yes  no   no   no   no   no   no   no
dtmf             no   no   no   yes  no   yes  yes  yes
mobile           yes  no   no   no   no   no   no   no
hangUp           no   yes  yes  yes  yes  yes  yes  yes
hold             no   no   no   yes  no   no   no   no
retrieve         no   no   no   no   yes  no   no   no
transfer         no   no   no   yes  yes  no   no   no
consult          no   no   no   yes  yes  no   no   no
consultCancel    no   no   no   no   no   yes  yes  no
consultComplete  no   no   no   no   no   no   yes  no
threeWay         no   no   no   yes  no   no   yes  no
threeWayCancel   no   no   no   no   no   no   no   yes
survey           no   no   no   yes  yes  no   no   no
`;

const PHASES: Record<string, Phase> = {
  '0': 'none',
  R: 'ringing',
  D: 'dialling',
  T: 'talking',
  H: 'held',
  c: 'consulting',
  C: 'consulting',
  '3': 'three_way',
};

/** Proves CALL-01 as far as the console enables and disables. */
test('each control works in the phases of the table', () => {
  const [head = '', ...rows] = TABLE.trim().split('\n');
  const columns = head.trim().split(/\s+/);
  for (const row of rows) {
    const [control = '', ...cells] = row.trim().split(/\s+/);
    for (const [at, column] of columns.entries()) {
      const phase = PHASES[column] as Phase;
      expect(works(control as Control, phase, column === 'C', true), `${control} in ${column}`).toBe(
        cells[at] === 'yes',
      );
    }
  }
  expect(rows.length).toBe(13);
});

/** Proves CALL-25 as far as the bar disables: nobody is asked where no survey is set, or nobody outside is there. */
test('a customer is rated where he may be asked', () => {
  const can = (mayRate: boolean | undefined) => works('survey', 'talking', true, mayRate);
  expect([can(true), can(false), can(undefined)]).toEqual([true, false, false]);
});

/** Proves AGT-06 and AGT-10 as far as the console offers. */
test('states are offered as the phase allows', () => {
  expect(pickable('offline', 'none')).toEqual(['ready']);
  expect(pickable('ready', 'ringing')).toEqual([]);
  expect(pickable('ready', 'none')).toEqual(['not_ready', 'on_break', 'wrap_up', 'offline']);
  expect(pickable('ready', 'talking')).toContain('on_break');
  expect((['ready', 'not_ready', 'on_break', 'wrap_up', 'offline'] as const).map(mayDialIn)).toEqual([
    true,
    true,
    false,
    true,
    false,
  ]);
});

/** Proves CALL-07 as far as the console takes it. */
test('a number is taken as it is pasted', () => {
  expect(cleanNumber(' +86 138-0000-0000\u202c')).toBe('+8613800000000');
  expect(cleanNumber('(010) 1234.5678')).toBe('01012345678');
  expect(cleanNumber('*43')).toBe('*43');
  for (const bad of ['', '+', 'abc', '138+0', '1'.repeat(25)]) expect(cleanNumber(bad), bad).toBe(undefined);
});

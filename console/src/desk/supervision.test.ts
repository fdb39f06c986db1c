import { expect, test } from 'vitest';
import { SUPERVISIONS, type Supervisor, whyNot } from './supervision';

const BOSS: Supervisor = { number: '10009', way: 'web', phase: 'none', supervises: false };

/** The table of AGT-16, copied: which of the actions of the board each state allows. */
const TABLE = `
             monitor whisper barge takeover forceHangUp forceBusy forceIdle forceSignOut
idle         no      no      no    no       no          yes       no        yes
ringing      no      no      no    no       no          no        no        no
connected    yes     yes     yes   yes      yes         no        no        no
not_ready    no      no      no    no       no          no        yes       yes
wrap_up      no      no      no    no       no          yes       yes       yes
on_break     no      no      no    no       no          yes       yes       yes
offline      no      no      no    no       no          no        no        no
`;

function agent(word: string, talk = 'talking') {
  return { agent: '10001', word, call_status: word === 'connected' ? { connected: talk } : 'none' };
}

/** Proves the table of AGT-16 and MON-21 to MON-23 as far as the console offers. */
test('a supervisor may do what the state allows', () => {
  const [head = '', ...rows] = TABLE.trim().split('\n');
  expect(head.trim().split(/\s+/)).toEqual([...SUPERVISIONS]);
  expect(rows.length).toBe(7);
  for (const row of rows) {
    const [word = '', ...cells] = row.trim().split(/\s+/);
    for (const [at, action] of SUPERVISIONS.entries())
      expect(whyNot(action, agent(word), BOSS) === undefined, `${action} when ${word}`).toBe(cells[at] === 'yes');
  }
});

test('what cannot be done is explained', () => {
  const told = (word: string) => SUPERVISIONS.map((action) => whyNot(action, agent(word), BOSS));
  expect(new Set(told('ringing'))).toEqual(new Set(['ringing']));
  expect(new Set(told('offline'))).toEqual(new Set(['offline']));
  expect(whyNot('monitor', agent('idle'), BOSS)).toBe('noCall');
  expect(whyNot('forceHangUp', agent('wrap_up'), BOSS)).toBe('noCall');
  expect(whyNot('forceIdle', agent('idle'), BOSS)).toBe('isIdle');
  expect(whyNot('forceBusy', agent('not_ready'), BOSS)).toBe('isBusy');
  expect(whyNot('forceSignOut', agent('connected'), BOSS)).toBe('onCall');
  expect(whyNot('monitor', { ...agent('connected'), agent: '10009' }, BOSS)).toBe('oneself');
});

/** Proves MON-29 as far as the console offers: one monitors a three-way and no more, by a phone of one's own without a call. */
test('what the supervisor himself lacks is explained', () => {
  const on = (own: Partial<Supervisor>, talk?: string) =>
    SUPERVISIONS.slice(0, 5).map((action) => whyNot(action, agent('connected', talk), { ...BOSS, ...own }));
  for (const talk of ['three_way', 'consulting'])
    expect(on({}, talk), talk).toEqual([undefined, 'threeWay', 'threeWay', 'threeWay', undefined]);
  expect(on({}, 'held')).toEqual(Array(5).fill(undefined));
  expect(on({ way: 'out' })).toEqual(['noPhone', 'noPhone', 'noPhone', 'noPhone', undefined]);
  expect(on({ phase: 'talking', supervises: true })).toEqual(Array(4).fill('supervises').concat([undefined]));
  expect(on({ phase: 'ringing' })).toEqual(Array(4).fill('ownCall').concat([undefined]));
});

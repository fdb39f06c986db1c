import { expect, test } from 'vitest';
import { attention, byAttention } from './attention';

const NOW = Date.parse('2026-11-22T12:00:00.000Z');

/** Who does this for so many seconds, in a state that he has been in for an hour. */
function agent(name: string, word: string, seconds: number) {
  const at = (s: number) => new Date(NOW - s * 1000).toISOString();
  const inCall = word === 'ringing' || word === 'connected';
  return { agent: name, word, since: at(inCall ? 3600 : seconds), call_since: inCall ? at(seconds) : null };
}

test('who does one thing for too long asks for attention', () => {
  const told = (word: string, seconds: number) => attention(agent('1', word, seconds), NOW);
  expect([told('connected', 599), told('connected', 600)]).toEqual([undefined, 'longCall']);
  expect([told('ringing', 19), told('ringing', 20)]).toEqual([undefined, 'longRing']);
  expect([told('wrap_up', 119), told('wrap_up', 120)]).toEqual([undefined, 'longWrapUp']);
  expect([told('on_break', 899), told('on_break', 900)]).toEqual([undefined, 'longBreak']);
  expect([told('not_ready', 899), told('not_ready', 900)]).toEqual([undefined, 'longBusy']);
  expect([told('idle', 86_400), told('offline', 86_400)]).toEqual([undefined, undefined]);
});

test('agents are ordered by what needs attention', () => {
  const agents = [
    agent('idle', 'idle', 5_000),
    agent('offline', 'offline', 9_000),
    agent('short call', 'connected', 30),
    agent('long break', 'on_break', 4_000),
    agent('long call', 'connected', 700),
    agent('rings', 'ringing', 3),
    agent('longer call', 'connected', 900),
    agent('long wrap-up', 'wrap_up', 130),
    agent('also rings', 'ringing', 3),
    agent('short break', 'on_break', 60),
    agent('rings in vain', 'ringing', 25),
  ];
  expect(agents.sort(byAttention(NOW)).map((one) => one.agent)).toEqual([
    'longer call',
    'long call',
    'rings in vain',
    'long wrap-up',
    'long break',
    'also rings',
    'rings',
    'short call',
    'short break',
    'idle',
    'offline',
  ]);
});

import type { Widened } from '../zh-CN';
import type { boards as chinese } from '../zh-CN/boards';

export const boards: Widened<typeof chinese> = {
  limit: {
    waiting: 'Waiting now',
    longest_wait_s: 'Longest wait',
    abandoned_percent: 'Abandoned',
    service_level_percent: 'Service level',
  },
  attention: {
    longCall: 'A long call',
    longRing: 'Rings for long',
    longWrapUp: 'A long wrap-up',
    longBreak: 'A long break',
    longBusy: 'Busy for long',
  },
  whyNot: {
    oneself: 'Not to oneself',
    offline: 'The agent is offline',
    ringing: 'The agent is ringing or dialling',
    onCall: 'The agent is on a call: wait until it has ended',
    noCall: 'The agent has no call',
    isBusy: 'The agent is busy already',
    isIdle: 'The agent is idle already',
    threeWay: 'While three talk or somebody is asked, one can only monitor',
    noPhone: 'Sign in with your phone first',
    supervises: 'You supervise a call: hang up first',
    ownCall: 'You are on a call: end it first',
  },
  effect: {
    barge: 'You join the call, and both hear you.',
    takeover: 'You take the place of the agent, who is out of the call.',
    forceHangUp: 'The call ends at once for everybody.',
    forceBusy: 'The agent is offered no calls any more.',
    forceIdle: 'The agent is offered calls from now on.',
    forceSignOut: 'The phone of the agent is signed out.',
  },
  emergency: {
    title: 'An emergency call',
    call: '{{who}} called {{number}} at {{at}}; the call is under way',
  },
  why: {
    title: 'Why this agent',
    called: 'Called directly',
    longest_idle: 'Longest idle',
    round_robin: 'Round robin',
    fewest_today: 'Fewest answered today',
    fixed_order: 'Fixed order',
    level_first: 'Best level first',
    ring_all: 'All at once',
    first_in_line: 'He became idle and got the first in line',
    own_agent: 'The own agent of the caller',
    asked: 'levels to {{level}}, waited {{waited}}, {{count}} idle',
    candidate: '{{agent}}: level {{level}}, idle {{idle}}, {{answered}} answered today',
    rejected: '{{agent}}: level {{level}}, idle {{idle}}, {{answered}} answered today, has just rejected this caller',
  },
};

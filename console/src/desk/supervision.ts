import type { Desk } from './model';
import { type CallStatus, type Phase, phaseOf, type Way, wayOf } from './model';

/** What a supervisor may do to an agent (MON-20, MON-30). */
export const SUPERVISIONS = [
  'monitor',
  'whisper',
  'barge',
  'takeover',
  'forceHangUp',
  'forceBusy',
  'forceIdle',
  'forceSignOut',
] as const;
export type Supervision = (typeof SUPERVISIONS)[number];

/** In which states, by the one word that shows them, each can be done (AGT-16). */
const WORKS: Record<Supervision, readonly string[]> = {
  monitor: ['connected'],
  whisper: ['connected'],
  barge: ['connected'],
  takeover: ['connected'],
  forceHangUp: ['connected'],
  forceBusy: ['idle', 'wrap_up', 'on_break'],
  forceIdle: ['not_ready', 'wrap_up', 'on_break'],
  forceSignOut: ['idle', 'not_ready', 'wrap_up', 'on_break'],
};
/** Those for which the supervisor's own phone is called (MON-29). */
const BY_PHONE: readonly Supervision[] = ['monitor', 'whisper', 'barge', 'takeover'];

/** In these a third person takes part, or is asked: one may listen and no more (MON-29). */
const SHARED: readonly string[] = ['three_way', 'consulting'];

/** Why something cannot be done now, each in words of its own. */
export type Obstacle =
  | 'oneself'
  | 'offline'
  | 'ringing'
  | 'onCall'
  | 'noCall'
  | 'isBusy'
  | 'isIdle'
  | 'threeWay'
  | 'noPhone'
  | 'supervises'
  | 'ownCall';

/** How the supervisor himself stands. */
export interface Supervisor {
  number: string | null | undefined;
  way: Way;
  phase: Phase;
  supervises: boolean;
}

export function supervisorOf(number: string | null | undefined, desk: Desk | undefined): Supervisor {
  const agent = desk?.agent;
  return { number, way: wayOf(agent), phase: phaseOf(agent), supervises: agent?.supervises ?? false };
}

/** Why not, or nothing where it can be done. The server checks it again, and says why not. */
export function whyNot(
  action: Supervision,
  agent: { agent: string; word: string; call_status: unknown },
  own: Supervisor,
): Obstacle | undefined {
  if (agent.agent === own.number) return 'oneself';
  if (!WORKS[action].includes(agent.word)) return stateForbids(agent.word, WORKS[action].includes('connected'));
  if (!BY_PHONE.includes(action)) return undefined;
  const status = agent.call_status as CallStatus;
  if (action !== 'monitor' && typeof status === 'object' && SHARED.includes(status.connected)) return 'threeWay';
  if (own.way === 'out') return 'noPhone';
  if (own.supervises) return 'supervises';
  return own.phase === 'none' ? undefined : 'ownCall';
}

function stateForbids(word: string, needsCall: boolean): Obstacle {
  if (word === 'offline') return 'offline';
  if (word === 'ringing') return 'ringing';
  if (needsCall) return 'noCall';
  if (word === 'connected') return 'onCall';
  return word === 'not_ready' ? 'isBusy' : 'isIdle';
}

import type { Phase, StateName } from './model';

/** The controls of the bar that depend on the call. */
export type Control =
  | 'dial'
  | 'dtmf'
  | 'mobile'
  | 'hangUp'
  | 'hold'
  | 'retrieve'
  | 'transfer'
  | 'consult'
  | 'consultCancel'
  | 'consultComplete'
  | 'threeWay'
  | 'threeWayCancel'
  | 'survey';

/** Section 5 of the requirements: in which phases a control works. The server checks it again, and says why not. */
const WORKS: Record<Control, readonly Phase[]> = {
  dial: ['none'],
  dtmf: ['talking', 'consulting', 'three_way'],
  mobile: ['none'],
  hangUp: ['ringing', 'dialling', 'talking', 'held', 'consulting', 'three_way'],
  hold: ['talking'],
  retrieve: ['held'],
  transfer: ['talking', 'held'],
  consult: ['talking', 'held'],
  consultCancel: ['consulting'],
  consultComplete: ['consulting'],
  threeWay: ['talking', 'consulting'],
  threeWayCancel: ['three_way'],
  survey: ['talking', 'held'],
};

/** Who is asked has to answer first (CALL-19, CALL-21). */
const AFTER_ANSWER: readonly Control[] = ['consultComplete', 'threeWay'];

/** `mayRate`: whether the customer of the call may be asked (CALL-25). */
export function works(control: Control, phase: Phase, consultedAnswered: boolean, mayRate = false): boolean {
  if (!WORKS[control].includes(phase) || (control === 'survey' && !mayRate)) return false;
  return phase !== 'consulting' || consultedAnswered || !AFTER_ANSWER.includes(control);
}

/** AGT-06. */
export function mayDialIn(state: StateName): boolean {
  return state === 'ready' || state === 'not_ready' || state === 'wrap_up';
}

/** AGT-10: which states can be picked. During a call the choice is kept for after it. */
export function pickable(state: StateName, phase: Phase): readonly StateName[] {
  if (phase === 'ringing') return [];
  if (state === 'offline') return ['ready'];
  const all: readonly StateName[] = ['ready', 'not_ready', 'on_break', 'wrap_up', 'offline'];
  return phase === 'none' ? all.filter((one) => one !== state) : all;
}

/** CALL-07: what is left of a number that was typed or pasted, or `undefined` where it is none. */
export function cleanNumber(text: string): string | undefined {
  const cleaned = text.normalize('NFKC').replace(/[\s\-.()\u2010-\u2015\u200b-\u200f\u202a-\u202e]/g, '');
  return /^\+?[0-9*#]{1,24}$/.test(cleaned) && cleaned.length <= 24 ? cleaned : undefined;
}

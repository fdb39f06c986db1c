import type { Schemas } from '../api/client';

export type StateName = Schemas['StateName'];
export const STATES: readonly StateName[] = ['ready', 'not_ready', 'on_break', 'wrap_up', 'offline'];

/** What a connected agent does. */
export type Talk = 'talking' | 'held' | 'consulting' | 'three_way';
export type CallStatus = 'none' | 'dialling' | 'ringing' | { connected: Talk };
/** How an agent is signed in. */
export type Sign = 'out' | { phone: 'web' | 'desk' } | { mobile: unknown };

/** The document describes these two as plain objects. */
export type AgentNow = Omit<Schemas['AgentNow'], 'call_status' | 'sign'> & { call_status: CallStatus; sign: Sign };
export type Desk = Omit<Schemas['Desk'], 'agent'> & { agent?: AgentNow | null };
export type LiveCall = Schemas['CallShown'];
export type Colleague = Schemas['Colleague'];
export type QueueOnBoard = Schemas['QueueOnBoard'];

/** Where an agent's call is: the columns of the table in section 5 of the requirements. */
export type Phase = 'none' | 'ringing' | 'dialling' | Talk;

export function phaseOf(agent: AgentNow | null | undefined): Phase {
  const status = agent?.call_status ?? 'none';
  return typeof status === 'string' ? status : status.connected;
}

export type Way = 'out' | 'web' | 'desk' | 'mobile';

export function wayOf(agent: AgentNow | null | undefined): Way {
  const sign = agent?.sign ?? 'out';
  if (sign === 'out') return 'out';
  return 'phone' in sign ? sign.phone : 'mobile';
}

/** Who the other side is beside his number, and where that is at home: as far as anybody knows (CALL-30). */
export function whoIs(call: LiveCall, extension: string | null | undefined): string {
  const isOwn = extension && call.caller === extension;
  const name = isOwn || call.caller_name === call.caller ? '' : call.caller_name;
  return [name, call.location].filter(Boolean).join(' · ');
}

/** The number of whom one talks with. */
export function otherSide(call: LiveCall, extension: string | null | undefined): string {
  return extension && call.caller === extension ? call.callee : call.caller;
}

import type { Wallboard } from './board';

type Agent = Pick<Wallboard['agents'][number], 'agent' | 'word' | 'since' | 'call_since'>;

/** Why a supervisor should look at an agent, what matters most first. */
export const REASONS = ['longCall', 'longRing', 'longWrapUp', 'longBreak', 'longBusy'] as const;
export type Reason = (typeof REASONS)[number];

const MINUTE_MS = 60_000;
/** By the word that shows how he stands: after how long that asks for attention, ms, and as what. */
const LONG: Record<string, { reason: Reason; after: number }> = {
  connected: { reason: 'longCall', after: 10 * MINUTE_MS },
  ringing: { reason: 'longRing', after: MINUTE_MS / 3 },
  wrap_up: { reason: 'longWrapUp', after: 2 * MINUTE_MS },
  on_break: { reason: 'longBreak', after: 15 * MINUTE_MS },
  not_ready: { reason: 'longBusy', after: 15 * MINUTE_MS },
};
/** Where nothing is amiss: who does something comes before who waits for something, and who is away is last. */
const CALM: readonly string[] = ['ringing', 'connected', 'wrap_up', 'not_ready', 'on_break', 'idle', 'offline'];

/** Since when he does what is shown of him: with a call that, else his state. */
export function sinceOf({ word, since, call_since }: Agent): number {
  const inCall = word === 'ringing' || word === 'connected';
  return Date.parse((inCall && call_since) || since);
}

export function attention(agent: Agent, now: number): Reason | undefined {
  const long = LONG[agent.word];
  return long && now - sinceOf(agent) >= long.after ? long.reason : undefined;
}

/** Orders agents by what needs attention: who has done something for too long first, of these the longest; then by what they do. */
export function byAttention(now: number): (one: Agent, other: Agent) => number {
  const rank = (agent: Agent) => {
    const reason = attention(agent, now);
    return reason ? REASONS.indexOf(reason) : REASONS.length + CALM.indexOf(agent.word);
  };
  return (one, other) =>
    rank(one) - rank(other) ||
    sinceOf(one) - sinceOf(other) ||
    (one.agent < other.agent ? -1 : Number(one.agent > other.agent));
}

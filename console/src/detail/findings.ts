import type { Schemas } from '../api/client';
import type { Words } from '../i18n/zh-CN';

export type CallDocument = Schemas['CallDocumentShown'];
export type CallQuality = Schemas['CallQuality'];
type LegQuality = Schemas['LegQuality'];

/** Something that a reader of a call wants to know first: how grave it is, in which words, and what is put into them. */
export interface Finding {
  tone: 'success' | 'info' | 'warning' | 'error';
  word: keyof Words['finding'];
  values: Record<string, string | number>;
}

/** Below it people complain (ITU-T G.107, annex B: "some users dissatisfied"). */
const POOR_MOS = 3.6;
/** Causes that are nobody's wish. */
const FAULTS = ['media_timeout', 'peer_lost', 'interrupted', 'stopped', 'congestion', 'not_acceptable', 'failed'];

/** Why a call failed, or sounded bad: what its record says, in the order of its importance. */
export function findings(call: CallDocument, quality: CallQuality | undefined): Finding[] {
  if (!call.ended_at) return [{ tone: 'info', word: 'live', values: {} }];
  const cause = call.cause ?? '';
  const found = [ended(call, cause), ...flow(call), ...legs(call, cause), ...waiting(call), ...media(quality)];
  const gaps = call.interruptions.length;
  if (gaps > 0) found.push({ tone: 'error', word: 'interrupted', values: { count: gaps } });
  const isHeard = call.connected_at && quality?.legs.some(({ stretches }) => stretches.length > 0);
  if (isHeard && media(quality).length === 0) found.push({ tone: 'success', word: 'soundGood', values: {} });
  return found;
}

function ended(call: CallDocument, cause: string): Finding {
  const values = { cause, status: call.sip_status ?? 0, by: call.ended_by ?? 'system' };
  if (FAULTS.includes(cause)) return { tone: 'error', word: 'broke', values };
  if (call.connected_at) return { tone: 'success', word: 'talked', values };
  return { tone: call.lost ? 'error' : 'warning', word: call.answered_at ? 'noPerson' : 'unanswered', values };
}

/** A flow that ended the call by a fault of its own. */
function flow(call: CallDocument): Finding[] {
  return call.flow_path.flatMap(({ flow, node, fault }) =>
    fault ? [{ tone: 'error', word: 'flowFault', values: { flow, node, fault } } as const] : [],
  );
}

/** Legs that failed for another reason than the call. */
function legs(call: CallDocument, cause: string): Finding[] {
  const quiet = ['normal', 'cancelled', 'answered_elsewhere', 'transferred', 'reconnected', 'command', cause];
  return call.legs
    .filter((leg) => leg.cause && !quiet.includes(leg.cause))
    .map((leg) => ({
      tone: 'warning',
      word: 'leg',
      values: { name: leg.peer_name, cause: leg.cause ?? '', status: leg.sip_status ?? 0 },
    }));
}

function waiting(call: CallDocument): Finding[] {
  const offers = call.segments.filter(({ kind }) => kind === 'offer');
  const missed = offers.filter(({ outcome }) => outcome && !['answered', 'taken'].includes(outcome)).length;
  const left = call.segments.filter(({ kind, outcome }) => kind === 'queue' && outcome && outcome !== 'answered');
  return [
    ...left.map(
      ({ queue, outcome }): Finding => ({
        tone: 'warning',
        word: 'leftQueue',
        values: { queue: queue ?? '', outcome: outcome ?? '' },
      }),
    ),
    ...(missed > 0 ? [{ tone: 'warning', word: 'missed', values: { count: missed } } as const] : []),
  ];
}

function media(quality: CallQuality | undefined): Finding[] {
  return (quality?.legs ?? []).flatMap((leg) => [...silent(leg), ...poor(leg)]);
}

const sum = (leg: LegQuality, of: (stretch: Schemas['Stretch']) => number) =>
  leg.stretches.reduce((total, stretch) => total + of(stretch), 0);

/** One way only: he was sent something, and nothing came. */
function silent(leg: LegQuality): Finding[] {
  const [came, went] = [sum(leg, ({ received }) => received.packets), sum(leg, ({ sent }) => sent.packets)];
  return went > 0 && came === 0 ? [{ tone: 'error', word: 'silent', values: { name: leg.peer_name } }] : [];
}

/** The worst stretch of each way, where it is bad: what was heard of him, and what he heard. */
function poor(leg: LegQuality): Finding[] {
  const ways = [
    { word: 'poorFrom', of: ({ received }: Schemas['Stretch']) => received },
    { word: 'poorTo', of: ({ sent }: Schemas['Stretch']) => sent.reported },
  ] as const;
  return ways.flatMap(({ word, of }) => {
    const heard = leg.stretches.flatMap((stretch) => {
      const measured = of(stretch);
      if (typeof measured?.mos !== 'number') return [];
      const due = 'packets' in measured ? measured.packets + measured.lost : measured.expected;
      return [{ at: stretch.from, mos: measured.mos, lost: measured.lost, due, jitter: measured.jitter_ms }];
    });
    const worst = heard.toSorted((one, other) => one.mos - other.mos)[0];
    if (!worst || worst.mos >= POOR_MOS) return [];
    const lost = `${((100 * worst.lost) / Math.max(1, worst.due)).toFixed(1)}%`;
    const values = { name: leg.peer_name, mos: worst.mos.toFixed(1), lost, jitter: Math.round(worst.jitter) };
    return [{ tone: 'warning', word, values: { ...values, at: worst.at } } as const];
  });
}

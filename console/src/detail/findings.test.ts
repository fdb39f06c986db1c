import { expect, test } from 'vitest';
import type { Schemas } from '../api/client';
import { type CallDocument, findings } from './findings';

const call = {
  id: '01JD9Z4E6N8Q2R5T7V9X1B3D5F',
  cause: 'normal',
  ended_at: '2026-11-27T08:01:00.000Z',
  ended_by: 'caller',
  connected_at: '2026-11-27T08:00:10.000Z',
  answered_at: '2026-11-27T08:00:10.000Z',
  lost: false,
  sip_status: 200,
  interruptions: [],
  legs: [],
  segments: [],
  flow_path: [],
} as unknown as CallDocument;

function stretch(packets: number, lost: number, mos: number | null): Schemas['Stretch'] {
  return {
    from: '2026-11-27T08:00:15.000Z',
    duration_ms: 5_000,
    received: { packets, lost, mos, jitter_ms: 12.4, late: 0, concealed_ms: 0 },
    sent: { packets: 250 },
  };
}

const quality = (...stretches: Schemas['Stretch'][]) => ({
  call_id: call.id,
  legs: [{ leg_id: 'a', caller_side: true, peer: 'extension' as const, peer_name: '1001', stretches }],
});

const words = (of: CallDocument, heard?: ReturnType<typeof quality>) => findings(of, heard).map(({ word }) => word);

test('a good call is said to be one', () => {
  expect(words(call, quality(stretch(250, 0, 4.4)))).toEqual(['talked', 'soundGood']);
  expect(words({ ...call, ended_at: null })).toEqual(['live']);
});

test('the worst of what was heard stands with its figures', () => {
  const found = findings(call, quality(stretch(250, 0, 4.4), stretch(200, 50, 2.31)));
  expect(found[1]).toEqual({
    tone: 'warning',
    word: 'poorFrom',
    values: { name: '1001', mos: '2.3', lost: '20.0%', jitter: 12, at: '2026-11-27T08:00:15.000Z' },
  });
  expect(words(call, quality(stretch(0, 0, null)))).toEqual(['talked', 'silent']);
});

test('a call that nobody took says who let it ring', () => {
  const offer = { kind: 'offer', started_at: call.created_at, outcome: 'timed_out', agent: '10001' };
  const queue = { kind: 'queue', started_at: call.created_at, outcome: 'abandoned', queue: 'support' };
  const lost = { ...call, connected_at: null, answered_at: null, lost: true, cause: 'cancelled' };
  const told = findings({ ...lost, segments: [queue, offer, offer] } as CallDocument, undefined);
  expect(told.map(({ word }) => word)).toEqual(['unanswered', 'leftQueue', 'missed']);
  expect(told[0]?.tone).toBe('error');
  expect(told[2]?.values).toEqual({ count: 2 });
});

test('a flow with a fault is named, and where', () => {
  const step = { flow: 'main', version: 2, node: 'sub', step: 'subflow', entered_at: call.created_at, keys: '' };
  const found = findings({ ...call, cause: 'failed', flow_path: [{ ...step, fault: 'missing' }] }, undefined);
  expect(found.map(({ word }) => word)).toEqual(['broke', 'flowFault']);
  expect(found[1]?.values).toEqual({ flow: 'main', node: 'sub', fault: 'missing' });
});

test('a leg that failed for its own reason is named, and a fault is grave', () => {
  const leg = { cause: 'busy', peer_name: 'carrier', sip_status: 486 };
  expect(findings({ ...call, legs: [leg] } as CallDocument, undefined)[1]?.values).toEqual({
    name: 'carrier',
    cause: 'busy',
    status: 486,
  });
  expect(findings({ ...call, cause: 'media_timeout' }, undefined)[0]?.word).toBe('broke');
});

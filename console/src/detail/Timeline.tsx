import { Badge, Table, theme } from 'antd';
import { useTranslation } from 'react-i18next';
import type { Schemas } from '../api/client';
import { useSession } from '../app/session';
import { duration, timeOfDay } from '../format';
import type { CallDocument } from './findings';

type Kind = Schemas['SegmentKind'] | 'leg' | 'interruption';

/** One line of the time line: what lasted from when to when, and how it ended. */
interface Line {
  key: string;
  kind: Kind;
  name: string;
  from: number;
  to: number;
  /** When it rang and answered, of a leg. */
  answered?: number;
  outcome: string;
}

const COLOURS: Record<Kind, string> = {
  leg: '#1677ff',
  queue: '#d48806',
  offer: '#13a8a8',
  agent: '#1a9c4b',
  dial: '#13a8a8',
  hold: '#8c8c8c',
  consult: '#722ed1',
  conference: '#722ed1',
  transfer: '#c41d7f',
  park: '#8c8c8c',
  supervision: '#c41d7f',
  overflow: '#d4380d',
  interruption: '#d4380d',
};

function linesOf(call: CallDocument, end: number, cause: (word: string) => string, outcome: (word: string) => string) {
  const time = (at: string | null | undefined) => (at ? Date.parse(at) : undefined);
  // The caller first: legs that began at the same moment come in any order.
  const ordered = call.legs.toSorted((one, other) => Number(other.caller_side) - Number(one.caller_side));
  const legs = ordered.map((leg): Line => {
    const answered = time(leg.answered_at);
    return {
      key: leg.id,
      kind: 'leg',
      name: [leg.peer_name, leg.number !== leg.peer_name && leg.number, leg.codec].filter(Boolean).join(' '),
      from: Date.parse(leg.started_at),
      to: time(leg.ended_at) ?? end,
      ...(answered ? { answered } : {}),
      outcome: [leg.cause && cause(leg.cause), leg.sip_status || ''].filter(Boolean).join(' '),
    };
  });
  const segments = call.segments.map(
    (one, place): Line => ({
      key: `segment ${place}`,
      kind: one.kind,
      name: [one.queue, one.agent, one.number, one.done_by].filter(Boolean).join(' '),
      from: Date.parse(one.started_at),
      to: time(one.ended_at) ?? end,
      outcome: one.outcome ? outcome(one.outcome) : '',
    }),
  );
  const gaps = call.interruptions.map(
    (gap): Line => ({
      key: `gap ${gap.from}`,
      kind: 'interruption',
      name: '',
      from: Date.parse(gap.from),
      to: Date.parse(gap.to),
      outcome: '',
    }),
  );
  return [...legs, ...segments.sort((one, other) => one.from - other.from), ...gaps];
}

/** A call over its time: its legs, and what it was made of. */
export function Timeline({ call }: { call: CallDocument }) {
  const { t, i18n } = useTranslation();
  const { token } = theme.useToken();
  const { time_zone: zone } = useSession();
  const begin = Date.parse(call.created_at);
  const end = Math.max(begin + 1_000, call.ended_at ? Date.parse(call.ended_at) : Date.now());
  const known = (key: string, word: string) => (i18n.exists(key) ? String(t(key as 'common.ok')) : word);
  const lines = linesOf(
    call,
    end,
    (word) => known(`cause.${word}`, word),
    (word) => known(`segmentOutcome.${word}`, word),
  );
  const place = (at: number) => `${(Math.max(0, at - begin) / (end - begin)) * 100}%`;
  const bar = ({ kind, from, to, answered }: Line) => (
    <div className="timeline" style={{ background: token.colorFillTertiary }} aria-hidden="true">
      <div
        style={{
          left: place(from),
          width: place(begin + to - from),
          background: COLOURS[kind],
          opacity: kind === 'leg' ? 0.35 : 0.9,
        }}
      />
      {answered && (
        <div style={{ left: place(answered), width: place(begin + to - answered), background: COLOURS[kind] }} />
      )}
    </div>
  );
  return (
    <Table<Line>
      size="small"
      pagination={false}
      scroll={{ x: 'max-content' }}
      rowKey={({ key }) => key}
      dataSource={lines}
      columns={[
        {
          title: t('detail.what'),
          render: (_, { kind, name }) => <Badge color={COLOURS[kind]} text={`${t(`segment.${kind}`)} ${name}`} />,
        },
        { title: t('detail.timeline'), width: '45%', render: (_, line) => bar(line) },
        { title: t('records.start'), render: (_, { from }) => timeOfDay(from, zone) },
        { title: t('states.lasted'), render: (_, { from, to }) => duration(to - from) },
        { title: t('detail.outcome'), dataIndex: 'outcome' },
      ]}
    />
  );
}

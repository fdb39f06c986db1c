import { Card, Descriptions, Table, theme } from 'antd';
import { useTranslation } from 'react-i18next';
import type { Schemas } from '../api/client';
import { useSession } from '../app/session';
import { rate, timeOfDay } from '../format';
import { Nothing } from '../ui/States';
import type { CallDocument, CallQuality } from './findings';

type Stretch = Schemas['Stretch'];
type LegQuality = Schemas['LegQuality'];

/** What the media of each leg was like, both ways, stretch by stretch. */
export function Quality({ call, quality }: { call: CallDocument; quality: CallQuality }) {
  const { t } = useTranslation();
  const legs = quality.legs.filter(({ stretches }) => stretches.length > 0);
  if (legs.length === 0) return <Nothing text={t('detail.noMedia')} />;
  return (
    <div className="page">
      {legs.map((leg) => (
        <Leg key={leg.leg_id} leg={leg} codec={call.legs.find(({ id }) => id === leg.leg_id)?.codec ?? ''} />
      ))}
    </div>
  );
}

const mosOf = (mos: number | null | undefined) => (typeof mos === 'number' ? mos.toFixed(1) : '');
const msOf = (ms: number | null | undefined) => (typeof ms === 'number' ? String(Math.round(ms)) : '');

function Leg({ leg, codec }: { leg: LegQuality; codec: string }) {
  const { t } = useTranslation();
  const { time_zone: zone } = useSession();
  const lost = leg.stretches.reduce((sum, { received }) => sum + received.lost, 0);
  const due = leg.stretches.reduce((sum, { received }) => sum + received.lost + received.packets, 0);
  const reported = leg.stretches.flatMap(({ sent }) => (sent.reported ? [sent.reported] : []));
  const lostThere = reported.reduce((sum, one) => sum + one.lost, 0);
  const dueThere = reported.reduce((sum, one) => sum + one.expected, 0);
  const trips = leg.stretches.flatMap(({ round_trip_ms }) => round_trip_ms ?? []);
  return (
    <Card size="small" title={[leg.peer_name, codec].filter(Boolean).join(' ')}>
      <Descriptions
        size="small"
        column={3}
        items={[
          { key: 'from', label: t('detail.lostFrom'), children: rate(lost, due) },
          { key: 'to', label: t('detail.lostTo'), children: reported.length > 0 ? rate(lostThere, dueThere) : '-' },
          {
            key: 'trip',
            label: t('detail.trip'),
            children: trips.length > 0 ? t('devices.ms', { count: Math.round(Math.max(...trips)) }) : '-',
          },
        ]}
      />
      <Chart stretches={leg.stretches} name={leg.peer_name} />
      <details>
        <summary>{t('detail.figures')}</summary>
        <Table<Stretch>
          size="small"
          pagination={false}
          scroll={{ x: 'max-content' }}
          rowKey={({ from }) => from}
          dataSource={leg.stretches}
          columns={[
            { title: t('records.start'), render: (_, { from }) => timeOfDay(from, zone) },
            { title: t('detail.mosFrom'), render: (_, { received }) => mosOf(received.mos) },
            {
              title: t('detail.lostFrom'),
              render: (_, { received }) => rate(received.lost, received.lost + received.packets),
            },
            { title: t('detail.jitterFrom'), render: (_, { received }) => msOf(received.jitter_ms) },
            { title: t('detail.mosTo'), render: (_, { sent }) => mosOf(sent.reported?.mos) },
            {
              title: t('detail.lostTo'),
              render: (_, { sent }) => sent.reported && rate(sent.reported.lost, sent.reported.expected),
            },
            { title: t('detail.jitterTo'), render: (_, { sent }) => msOf(sent.reported?.jitter_ms) },
            { title: t('detail.trip'), render: (_, { round_trip_ms }) => msOf(round_trip_ms) },
          ]}
        />
      </details>
    </Card>
  );
}

const [WIDTH, HEIGHT, LEFT] = [720, 110, 28] as const;
/** Of the scale of opinion scores, and a score that nobody complains of. */
const [WORST, BEST, GOOD] = [1, 4.5, 3.6] as const;

function Legend({ colour, sign, text }: { colour: string; sign: string; text: string }) {
  return (
    <span>
      <span style={{ color: colour }}>{sign}</span> {text}
    </span>
  );
}

/** The opinion scores of both ways over time, and what was lost. */
function Chart({ stretches, name }: { stretches: readonly Stretch[]; name: string }) {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  const step = (WIDTH - LEFT) / stretches.length;
  const y = (mos: number) => 6 + (1 - (mos - WORST) / (BEST - WORST)) * (HEIGHT - 12);
  const lines = [
    { key: 'from', colour: token.colorPrimary, dash: undefined, of: ({ received }: Stretch) => received.mos },
    { key: 'to', colour: token.colorSuccess, dash: '5 3', of: ({ sent }: Stretch) => sent.reported?.mos },
  ];
  const points = (of: (stretch: Stretch) => number | null | undefined) =>
    stretches.flatMap((stretch, place) => {
      const mos = of(stretch);
      if (typeof mos !== 'number') return [];
      return [`${LEFT + place * step},${y(mos)} ${LEFT + (place + 1) * step},${y(mos)}`];
    });
  return (
    <>
      <div style={{ display: 'flex', gap: 16, fontSize: 12 }}>
        <Legend colour={token.colorPrimary} sign={'\u2501'} text={t('detail.mosFrom')} />
        <Legend colour={token.colorSuccess} sign={'\u2505'} text={t('detail.mosTo')} />
        <Legend colour={token.colorError} sign={'\u25A0'} text={t('detail.lostFrom')} />
      </div>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} width="100%" role="img" aria-label={`${name} ${t('detail.mosFrom')}`}>
        {[1, 2, 3, 4].map((mos) => (
          <g key={mos}>
            <line x1={LEFT} x2={WIDTH} y1={y(mos)} y2={y(mos)} stroke={token.colorBorderSecondary} />
            <text x={LEFT - 8} y={y(mos) + 4} fontSize={11} textAnchor="end" fill={token.colorTextSecondary}>
              {mos}
            </text>
          </g>
        ))}
        <line x1={LEFT} x2={WIDTH} y1={y(GOOD)} y2={y(GOOD)} stroke={token.colorWarning} strokeDasharray="2 4" />
        {stretches.map(({ from, received }, place) => {
          const lost = received.lost / Math.max(1, received.lost + received.packets);
          const height = lost * (HEIGHT - 12);
          return (
            <rect
              key={from}
              x={LEFT + place * step + step * 0.3}
              width={step * 0.4}
              y={HEIGHT - 6 - height}
              height={height}
              fill={token.colorError}
            />
          );
        })}
        {lines.map(({ key, colour, dash, of }) => (
          <polyline
            key={key}
            points={points(of).join(' ')}
            fill="none"
            stroke={colour}
            strokeWidth={2}
            strokeDasharray={dash}
          />
        ))}
      </svg>
    </>
  );
}

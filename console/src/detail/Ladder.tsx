import { DownloadOutlined } from '@ant-design/icons';
import { useQuery } from '@tanstack/react-query';
import { Alert, Button, Space, theme } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask, type Schemas } from '../api/client';
import { Problem } from '../api/problem';
import { Answered, Nothing } from '../ui/States';
import type { CallDocument } from './findings';

type Message = Schemas['LadderMessage'];

/** What a ladder is not kept any more answers. */
const GONE = 410;
const FORMATS = ['text', 'pcap', 'svg'] as const;

/** The SIP messages of a call between the server and its far ends, each with all of its text. */
export function Ladder({ call }: { call: CallDocument }) {
  const { t } = useTranslation();
  const query = useQuery({
    queryKey: ['ladder', call.id],
    queryFn: () => ask(api.GET('/api/v1/call-records/{id}/ladder', { params: { path: { id: call.id } } })),
  });
  if (query.error instanceof Problem && query.error.status === GONE) return <Nothing text={t('detail.ladderGone')} />;
  return (
    <Answered query={query}>
      {({ messages, truncated }) => {
        if (messages.length === 0) return <Nothing text={t('detail.ladderGone')} />;
        return (
          <Space orientation="vertical" style={{ width: '100%' }}>
            <Space>
              {FORMATS.map((format) => (
                <Button
                  key={format}
                  size="small"
                  icon={<DownloadOutlined />}
                  href={`${call.ladder}?format=${format}`}
                  download={`${call.id}.${format === 'text' ? 'txt' : format}`}
                >
                  {format}
                </Button>
              ))}
            </Space>
            {truncated && <Alert showIcon type="warning" title={t('detail.truncated')} />}
            <Rungs call={call} messages={messages} />
          </Space>
        );
      }}
    </Answered>
  );
}

const farEnd = ({ direction, from, to }: Message) => (direction === 'sent' ? to : from);

/** The far ends from left to right, the server between those of the caller's side and the others. */
export function columnsOf(messages: readonly Message[], callerLegs: ReadonlySet<string>) {
  const ends = new Map<string, boolean>();
  for (const message of messages) {
    const end = farEnd(message);
    ends.set(end, (ends.get(end) ?? false) || callerLegs.has(message.leg_id));
  }
  const all = [...ends];
  const [left, right] = [all.filter(([, isCaller]) => isCaller), all.filter(([, isCaller]) => !isCaller)];
  return { ends: [...left, ...right].map(([end]) => end), server: left.length };
}

const ROW = 34;

function Rungs({ call, messages }: { call: CallDocument; messages: readonly Message[] }) {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  const [chosen, setChosen] = useState<number>();
  const { ends, server } = columnsOf(messages, new Set(call.legs.filter((leg) => leg.caller_side).map(({ id }) => id)));
  const heads = [...ends.slice(0, server), 'Switchboard', ...ends.slice(server)];
  const centre = (column: number) => ((column + 0.5) / heads.length) * 100;
  const columnOf = (message: Message) => {
    const at = ends.indexOf(farEnd(message));
    return at < server ? at : at + 1;
  };
  const begin = messages[0]?.at_us ?? 0;
  const shown = chosen === undefined ? undefined : messages[chosen];
  return (
    <div className="ladder">
      <div className="ladder-rungs">
        <div className="ladder-head" style={{ background: token.colorBgContainer }}>
          <span className="ladder-time">{t('detail.seconds')}</span>
          <div style={{ display: 'grid', gridTemplateColumns: `repeat(${heads.length}, 1fr)`, flex: 1 }}>
            {heads.map((head) => (
              <b key={head} style={{ textAlign: 'center' }}>
                {head}
              </b>
            ))}
          </div>
        </div>
        {messages.map((message, place) => {
          const [mine, theirs] = [centre(server), centre(columnOf(message))];
          const [from, to] = message.direction === 'sent' ? [mine, theirs] : [theirs, mine];
          const after = ((message.at_us - begin) / 1_000_000).toFixed(3);
          return (
            <button
              // biome-ignore lint/suspicious/noArrayIndexKey: messages stay in their order
              key={place}
              type="button"
              className="ladder-row"
              aria-pressed={chosen === place}
              aria-label={`${after} ${message.from} → ${message.to} ${message.summary}`}
              style={{ color: token.colorText, background: chosen === place ? token.colorPrimaryBg : undefined }}
              onClick={() => setChosen(place)}
            >
              <span className="ladder-time">{after}</span>
              <Rung
                at={heads.map((_, column) => centre(column))}
                from={from}
                to={to}
                text={message.summary}
                isAgain={message.retransmission}
              />
            </button>
          );
        })}
      </div>
      <pre className="ladder-text" style={{ background: token.colorFillQuaternary }}>
        {shown ? `${shown.at} ${shown.transport} ${shown.from} → ${shown.to}\n\n${shown.message}` : t('detail.choose')}
      </pre>
    </div>
  );
}

interface Drawn {
  at: readonly number[];
  from: number;
  to: number;
  text: string;
  isAgain: boolean;
}

/** An arrow; one that is dashed was sent before. */
function Rung({ at, from, to, text, isAgain }: Drawn) {
  const { token } = theme.useToken();
  const isRight = to > from;
  const colour = isAgain ? token.colorWarning : token.colorPrimary;
  return (
    <svg width="100%" height={ROW} aria-hidden="true">
      {at.map((x) => (
        <line key={x} x1={`${x}%`} x2={`${x}%`} y1={0} y2={ROW} stroke={token.colorBorder} />
      ))}
      <line
        x1={`${from}%`}
        x2={`${to}%`}
        y1={ROW - 9}
        y2={ROW - 9}
        stroke={colour}
        strokeWidth={1.5}
        strokeDasharray={isAgain ? '4 3' : undefined}
      />
      <svg x={`${to}%`} y={ROW - 9} overflow="visible" aria-hidden="true">
        <path d={isRight ? 'M0 0 L-8 -4 L-8 4 Z' : 'M0 0 L8 -4 L8 4 Z'} fill={colour} />
      </svg>
      <text x={`${(from + to) / 2}%`} y={ROW - 15} textAnchor="middle" fontSize={12} fill={token.colorText}>
        {text}
      </text>
    </svg>
  );
}

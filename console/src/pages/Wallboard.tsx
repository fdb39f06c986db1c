import { FullscreenExitOutlined, FullscreenOutlined, SettingOutlined } from '@ant-design/icons';
import { Alert, Button, Card, Col, Row, Skeleton, Statistic, theme } from 'antd';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useMay, useSession } from '../app/session';
import { type Wallboard as Board, useWallboard } from '../desk/board';
import { useNow } from '../desk/clock';
import { FIGURES, type Figure as FigureName, figuresOf, level } from '../desk/limits';
import { duration, timeOfDay } from '../format';
import { HourLines, Ring } from '../ui/Charts';
import { Nothing } from '../ui/States';
import { Emergencies } from './board/Emergencies';
import { Figure } from './board/Figure';
import { LimitsForm } from './board/LimitsForm';
import { ALL_WORDS, WORDS } from './words';

const HOURS = 24;

/** The figures of the day (MON-01 to MON-10). */
export function Wallboard() {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  const { time_zone: zone } = useSession();
  const { board, isLost } = useWallboard();
  const may = useMay();
  const [screen, isFull, toggle] = useFullScreen();
  const [setsLimits, setSetsLimits] = useState(false);
  if (!board) return isLost ? <Alert showIcon type="error" title={t('board.lost')} /> : <Skeleton active />;
  return (
    <div ref={screen} className="page wallboard" style={{ background: isFull ? token.colorBgLayout : undefined }}>
      <div style={{ display: 'flex', justifyContent: 'flex-end', alignItems: 'center', gap: 12 }}>
        {isLost && (
          <Alert
            showIcon
            type="error"
            data-testid="stale"
            title={t('board.stale', { time: timeOfDay(board.at, zone) })}
            style={{ flex: 1 }}
          />
        )}
        <span style={{ color: token.colorTextSecondary }}>
          {t('board.updated', { time: timeOfDay(board.at, zone) })}
        </span>
        {may('tenants.write') && !isFull && (
          <Button icon={<SettingOutlined />} onClick={() => setSetsLimits(true)}>
            {t('board.limits')}
          </Button>
        )}
        <Button icon={isFull ? <FullscreenExitOutlined /> : <FullscreenOutlined />} onClick={toggle}>
          {isFull ? t('board.exitFullScreen') : t('board.fullScreen')}
        </Button>
      </div>
      {setsLimits && <LimitsForm close={() => setSetsLimits(false)} />}
      <Emergencies calls={board.emergencies} />
      <div style={{ opacity: isLost ? 0.55 : 1, display: 'grid', gap: 12 }}>
        <Figures board={board} />
        <Now board={board} />
      </div>
      <Row gutter={[12, 12]}>
        <Col flex="1 1 480px" style={{ minWidth: 0 }}>
          <Card size="small" title={t('board.trend')} style={{ height: '100%' }}>
            <Trend board={board} />
          </Card>
        </Col>
        <Col flex="0 1 360px">
          <Card size="small" title={t('board.distribution')} style={{ height: '100%' }}>
            {board.agents.length === 0 ? <Nothing text={t('board.noAgents')} /> : <States board={board} />}
          </Card>
        </Col>
      </Row>
    </div>
  );
}

/** What changes from moment to moment, marked where it passes its limit. */
function Now({ board: { queues, limits } }: { board: Board }) {
  const { t } = useTranslation();
  const figures = figuresOf(queues, useNow());
  const text = (figure: FigureName) => {
    const value = figures[figure];
    if (value === undefined) return '—';
    if (figure === 'waiting') return value;
    return figure === 'longest_wait_s' ? duration(value * 1000) : `${value.toFixed(2)}%`;
  };
  return (
    <div className="cards">
      {FIGURES.map((figure) => (
        <Card key={figure} size="small" data-testid={`figure-${figure}`}>
          <Statistic
            title={t(`limit.${figure}`)}
            valueRender={() => <Figure level={level(figure, figures[figure], limits)}>{text(figure)}</Figure>}
            styles={{ content: { fontWeight: 600 } }}
          />
        </Card>
      ))}
    </div>
  );
}

function Figures({ board: { today } }: { board: Board }) {
  const { t } = useTranslation();
  const cards: [string, string | number][] = [
    [t('board.inbound'), today.inbound],
    [t('board.inboundConnected'), today.inbound_connected],
    [t('board.abandoned'), today.abandoned_or_timed_out],
    [t('board.outbound'), today.outbound],
    [t('board.outboundConnected'), today.outbound_connected],
    [t('board.outboundNotConnected'), today.outbound_not_connected],
    [t('board.response'), duration(today.average_response_ms ?? 0)],
    [t('board.abnormal'), today.abnormal_calls],
    [t('board.queued'), today.queued],
  ];
  return (
    <div className="cards">
      {cards.map(([title, value]) => (
        <Card key={title} size="small">
          <Statistic title={title} value={value} styles={{ content: { fontWeight: 600 } }} />
        </Card>
      ))}
    </div>
  );
}

function Trend({ board: { today } }: { board: Board }) {
  const { t } = useTranslation();
  if (today.trend.every(({ inbound, connected, outbound }) => inbound + connected + outbound === 0))
    return <Nothing text={t('board.noCalls')} />;
  const by = (figure: 'inbound' | 'connected' | 'outbound') =>
    Array.from({ length: HOURS }, (_, hour) => today.trend.find((one) => one.hour === hour)?.[figure] ?? 0);
  return (
    <HourLines
      hours={HOURS}
      lines={[
        { name: t('board.trendInbound'), colour: '#1677ff', values: by('inbound') },
        { name: t('board.trendConnected'), colour: '#1a9c4b', values: by('connected') },
        { name: t('board.trendOutbound'), colour: '#d48806', values: by('outbound') },
      ]}
    />
  );
}

function States({ board: { states } }: { board: Board }) {
  const { t } = useTranslation();
  return (
    <Ring
      slices={ALL_WORDS.map((word) => ({ name: t(`word.${word}`), colour: WORDS[word], value: states[word] ?? 0 }))}
    />
  );
}

function useFullScreen() {
  const screen = useRef<HTMLDivElement>(null);
  const [isFull, setIsFull] = useState(false);
  useEffect(() => {
    const changed = () => setIsFull(document.fullscreenElement === screen.current && screen.current !== null);
    document.addEventListener('fullscreenchange', changed);
    return () => document.removeEventListener('fullscreenchange', changed);
  }, []);
  const toggle = () => void (isFull ? document.exitFullscreen() : screen.current?.requestFullscreen());
  return [screen, isFull, toggle] as const;
}

import { useQuery } from '@tanstack/react-query';
import { Button, Card, Empty, Statistic, Table, Tag, Tooltip } from 'antd';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';
import { api, ask } from '../api/client';
import { askCrm } from '../api/crm';
import { useMay, useSession } from '../app/session';
import { STATE_COLOURS } from '../bar/StateSelector';
import { STATES, type StateName } from '../desk/model';
import { useDesk } from '../desk/store';
import { duration, moment } from '../format';
import { NumberLink } from '../ui/NumberLink';
import { Answered, Nothing } from '../ui/States';
import { useMissedColumns } from './MissedCalls';

const REFRESH_MS = 10_000;
const MISSED_SHOWN = 8;
const MISSED_DAYS = 7;

/** The home desk (UI-01), as far as the telephone goes. */
export function Home() {
  const { t } = useTranslation();
  const may = useMay();
  const isAgent = useDesk(({ desk, link }) => (link === 'opening' ? undefined : Boolean(desk?.agent)));
  if (!may('call.dial') || isAgent === false) return <Empty description={t('home.notAgent')} />;
  if (isAgent === undefined) return null;
  return (
    <div className="page">
      <Statistics />
      <Missed />
    </div>
  );
}

function Statistics() {
  const { t } = useTranslation();
  const query = useQuery({
    queryKey: ['own-day'],
    queryFn: () => ask(api.GET('/api/v1/desk/today')),
    refetchInterval: REFRESH_MS,
  });
  return (
    <Answered query={query}>
      {(day) => {
        const of = (state: StateName) => day.states_ms[state] ?? 0;
        const all = STATES.reduce((sum, state) => sum + of(state), 0);
        return (
          <Card size="small" title={t('home.statistics')} extra={<MoreStatistics />}>
            <div className="cards">
              <Statistic title={t('home.offered')} value={day.offered} />
              <Statistic title={t('home.answered')} value={day.answered} />
              <Statistic title={t('home.outbound')} value={day.outbound} />
              <Statistic title={t('home.connected')} value={day.outbound_connected} />
              <Statistic title={t('home.talk')} value={duration(day.talk_ms)} />
            </div>
            <div style={{ marginTop: 16, marginBottom: 8, opacity: 0.65 }}>{t('home.states')}</div>
            <div style={{ display: 'flex', height: 10, borderRadius: 5, overflow: 'hidden', gap: 2 }}>
              {STATES.filter((state) => of(state) > 0).map((state) => (
                <Tooltip key={state} title={`${t(`state.${state}`)} ${duration(of(state))}`}>
                  <div style={{ flex: of(state) / all, minWidth: 2, background: STATE_COLOURS[state] }} />
                </Tooltip>
              ))}
            </div>
            <div style={{ display: 'flex', gap: 20, flexWrap: 'wrap', marginTop: 8 }}>
              {STATES.map((state) => (
                <span key={state}>
                  <span style={{ color: STATE_COLOURS[state] }}>{'\u25A0 '}</span>
                  {`${t(`state.${state}`)} ${duration(of(state))}`}
                </span>
              ))}
            </div>
          </Card>
        );
      }}
    </Answered>
  );
}

/** UI-02: to the calls that are counted, for who may see them. */
function MoreStatistics() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const may = useMay();
  if (!may('crm.call_records.read') && !may('call_records.read')) return null;
  return (
    <Button
      type="link"
      size="small"
      aria-label={`${t('common.more')} ${t('home.statistics')}`}
      onClick={() => navigate('/call-records')}
    >
      {t('common.more')}
    </Button>
  );
}

/** UI-03: those that are not processed yet, where the CRM keeps that; else all that one missed. */
function Missed() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const may = useMay();
  const title = (
    <>
      {t('home.missed')} <small style={{ opacity: 0.65, fontWeight: 'normal' }}>{t('home.missedHint')}</small>
    </>
  );
  const more = (
    <Button
      type="link"
      size="small"
      aria-label={`${t('common.more')} ${t('home.missed')}`}
      onClick={() => navigate('/missed-calls')}
    >
      {t('common.more')}
    </Button>
  );
  return (
    <Card size="small" title={title} extra={more}>
      {may('crm.missed_calls.read') ? <Unprocessed /> : <MissedOffers />}
    </Card>
  );
}

function Unprocessed() {
  const { t } = useTranslation();
  const columns = useMissedColumns();
  const query = useQuery({
    queryKey: ['crm-missed', 'home'],
    queryFn: () => {
      const from = new Date(Date.now() - MISSED_DAYS * 86_400_000).toISOString();
      const conditions = { view: 'mine', processed: false, from, limit: MISSED_SHOWN } as const;
      return askCrm(api.GET('/api/v1/crm/missed-calls', { params: { query: conditions } }));
    },
    refetchInterval: REFRESH_MS,
  });
  return (
    <Answered query={query} instead={<MissedOffers />}>
      {({ items }) => (
        <Table
          size="small"
          pagination={false}
          scroll={{ x: 'max-content' }}
          dataSource={items}
          rowKey={({ id }) => id}
          locale={{ emptyText: <Nothing text={t('home.noMissed')} /> }}
          columns={columns}
        />
      )}
    </Answered>
  );
}

function MissedOffers() {
  const { t } = useTranslation();
  const { time_zone: zone } = useSession();
  const query = useQuery({
    queryKey: ['own-missed', MISSED_SHOWN],
    queryFn: () => ask(api.GET('/api/v1/desk/missed-offers', { params: { query: { limit: MISSED_SHOWN } } })),
    refetchInterval: REFRESH_MS,
  });
  return (
    <Answered query={query}>
      {({ items }) => (
        <Table
          size="small"
          pagination={false}
          dataSource={items}
          rowKey={(missed) => `${missed.call} ${missed.ring_started_at}`}
          locale={{ emptyText: <Nothing text={t('home.noMissed')} /> }}
          columns={[
            { title: t('missed.caller'), render: (_, missed) => <NumberLink number={missed.caller} /> },
            { title: t('missed.queue'), dataIndex: 'queue' },
            { title: t('missed.ringStart'), render: (_, missed) => moment(missed.ring_started_at, zone) },
            { title: t('missed.ringFor'), render: (_, missed) => duration(missed.ring_duration_ms) },
            {
              title: t('missed.outcome'),
              render: (_, { outcome }) => outcome && <Tag>{t(`outcome.${outcome as 'failed'}`)}</Tag>,
            },
          ]}
        />
      )}
    </Answered>
  );
}

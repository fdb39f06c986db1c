import { Form, Tag } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask, type Schemas } from '../api/client';
import { useMay, useSession } from '../app/session';
import { useDesk } from '../desk/store';
import { duration, moment, span, today } from '../format';
import { Conditions } from '../ui/Conditions';
import { DataTable } from '../ui/DataTable';
import { ChoiceField, TextField, type Timed, TimeField, typed } from '../ui/fields';
import { NumberLink } from '../ui/NumberLink';
import { type View, ViewSwitch } from '../ui/ViewSwitch';

type Missed = Schemas['MissedOfferShown'];
interface Wanted extends Timed {
  agent?: string;
  caller?: string;
  outcome?: string;
}

const OUTCOMES = ['caller_hung_up', 'timed_out', 'rejected', 'failed'] as const;

/** The engine's own list of offers that were not taken: for installations without the CRM, and for who may not see its list. */
export function MissedOffers() {
  const may = useMay();
  const isAgent = useDesk(({ desk }) => Boolean(desk?.agent));
  const canMine = may('call.dial') && isAgent;
  const canAll = may('missed_offers.read');
  const [chosen, setView] = useState<View>();
  const view = chosen ?? (canMine || !canAll ? 'mine' : 'all');
  return (
    <div className="page">
      {canMine && canAll && <ViewSwitch view={view} choose={setView} />}
      {view === 'mine' ? <Mine /> : <All />}
    </div>
  );
}

function useColumns() {
  const { t } = useTranslation();
  const { time_zone: zone } = useSession();
  return [
    { title: t('missed.agent'), dataIndex: 'agent' },
    { title: t('missed.caller'), render: (_: unknown, missed: Missed) => <NumberLink number={missed.caller} /> },
    { title: t('missed.callee'), dataIndex: 'callee' },
    { title: t('missed.queue'), dataIndex: 'queue' },
    { title: t('missed.ringStart'), render: (_: unknown, missed: Missed) => moment(missed.ring_started_at, zone) },
    { title: t('missed.ringEnd'), render: (_: unknown, missed: Missed) => moment(missed.ring_ended_at, zone) },
    { title: t('missed.ringFor'), render: (_: unknown, missed: Missed) => duration(missed.ring_duration_ms) },
    {
      title: t('missed.outcome'),
      render: (_: unknown, { outcome }: Missed) => outcome && <Tag>{t(`outcome.${outcome as 'failed'}`)}</Tag>,
    },
  ];
}

const keyOf = (missed: Missed) => `${missed.call} ${missed.agent} ${missed.ring_started_at}`;

function Mine() {
  const columns = useColumns();
  return (
    <DataTable<Missed>
      name={['own-missed']}
      load={(query) => ask(api.GET('/api/v1/desk/missed-offers', { params: { query } }))}
      columns={columns}
      rowKey={keyOf}
    />
  );
}

function All() {
  const { t } = useTranslation();
  const { time_zone: zone } = useSession();
  const columns = useColumns();
  const [form] = Form.useForm<Wanted>();
  const initial: Wanted = { time: today(zone) };
  const [wanted, setWanted] = useState<Wanted>(initial);
  const conditions = {
    ...span(wanted.time, zone),
    agent: typed(wanted.agent),
    caller: typed(wanted.caller),
    outcome: wanted.outcome,
  };
  return (
    <>
      <Conditions form={form} initial={initial} ask={setWanted}>
        <TimeField label={t('missed.time')} />
        <TextField name="agent" label={t('missed.agent')} width={100} />
        <TextField name="caller" label={t('missed.caller')} />
        <ChoiceField
          name="outcome"
          label={t('missed.outcome')}
          options={OUTCOMES.map((value) => ({ value, label: t(`outcome.${value}`) }))}
        />
      </Conditions>
      <DataTable<Missed>
        name={['missed', conditions]}
        load={(page) => ask(api.GET('/api/v1/missed-offers', { params: { query: { ...conditions, ...page } } }))}
        columns={columns}
        rowKey={keyOf}
      />
    </>
  );
}

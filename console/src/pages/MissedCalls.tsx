import { PhoneOutlined } from '@ant-design/icons';
import { useQueryClient } from '@tanstack/react-query';
import { App, Button, Form, Tag } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask } from '../api/client';
import { askCrm, type CrmMissedCall } from '../api/crm';
import { inWords, textOf } from '../api/problem';
import { useMay, useSession } from '../app/session';
import { duration, moment, span, today } from '../format';
import { Conditions } from '../ui/Conditions';
import { DataTable } from '../ui/DataTable';
import { ChoiceField, TextField, type Timed, TimeField, typed } from '../ui/fields';
import { NumberLink } from '../ui/NumberLink';
import { useView, ViewSwitch } from '../ui/ViewSwitch';
import { MissedOffers } from './MissedOffers';
import { personOf } from './person';

interface Wanted extends Timed {
  agent?: string;
  number?: string;
  processed?: boolean;
}

/** Missed calls (MISS-01 to MISS-06) of the CRM, or the engine's offers for who may not see them. */
export function MissedCalls() {
  const may = useMay();
  return may('crm.missed_calls.read') ? <Listed /> : <MissedOffers />;
}

function Listed() {
  const { t } = useTranslation();
  const may = useMay();
  const { time_zone: zone } = useSession();
  const { view, choose, hasMine } = useView();
  const [form] = Form.useForm<Wanted>();
  const initial: Wanted = { time: today(zone) };
  const [wanted, setWanted] = useState<Wanted>(initial);
  const conditions = {
    view,
    ...span(wanted.time, zone),
    agent: view === 'all' ? typed(wanted.agent) : undefined,
    number: typed(wanted.number),
    processed: wanted.processed,
  };
  const states = [
    { value: false, label: t('missed.open') },
    { value: true, label: t('missed.done') },
  ];
  const columns = useMissedColumns();
  const agent = { title: t('missed.agent'), render: (_: unknown, row: CrmMissedCall) => personOf(row) };
  return (
    <div className="page">
      {hasMine && <ViewSwitch view={view} choose={choose} />}
      <Conditions form={form} initial={initial} ask={setWanted}>
        <TimeField label={t('missed.time')} />
        {view === 'all' && <TextField name="agent" label={t('missed.agent')} width={100} />}
        <TextField name="number" label={t('missed.incoming')} />
        <ChoiceField name="processed" label={t('missed.state')} options={states} />
      </Conditions>
      <DataTable<CrmMissedCall>
        name={['crm-missed', conditions]}
        load={(page) => askCrm(api.GET('/api/v1/crm/missed-calls', { params: { query: { ...conditions, ...page } } }))}
        rowKey={({ id }) => id}
        columns={[agent, ...columns]}
        instead={may('missed_offers.read') || may('call.dial') ? <MissedOffers /> : undefined}
      />
    </div>
  );
}

/** All but whose they are, which the home desk does not say. */
export function useMissedColumns() {
  const { t } = useTranslation();
  const { time_zone: zone } = useSession();
  return [
    { title: t('missed.caller'), render: (_: unknown, row: CrmMissedCall) => <CallerToProcess row={row} /> },
    { title: t('missed.callee'), render: (_: unknown, { callee }: CrmMissedCall) => <NumberLink number={callee} /> },
    { title: t('missed.location'), dataIndex: 'location' },
    { title: t('missed.queue'), dataIndex: 'queue' },
    { title: t('missed.ringStart'), render: (_: unknown, row: CrmMissedCall) => moment(row.ring_started_at, zone) },
    { title: t('missed.ringEnd'), render: (_: unknown, row: CrmMissedCall) => moment(row.ring_ended_at, zone) },
    { title: t('missed.ringFor'), render: (_: unknown, row: CrmMissedCall) => duration(row.ring_ms) },
    {
      title: t('missed.outcome'),
      render: (_: unknown, { hangup_status }: CrmMissedCall) => <Tag>{t(`outcome.${hangup_status}`)}</Tag>,
    },
    {
      title: t('missed.state'),
      render: (_: unknown, { processed, processed_at }: CrmMissedCall) => (
        <Tag color={processed ? 'success' : 'warning'} title={moment(processed_at, zone)}>
          {processed ? t('missed.done') : t('missed.open')}
        </Tag>
      ),
    },
  ];
}

/** MISS-05: one's own can be clicked, which marks it processed for good and calls back if one may; those of others are words alone. */
function CallerToProcess({ row }: { row: CrmMissedCall }) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const queries = useQueryClient();
  const [isBusy, setIsBusy] = useState(false);
  const caller = row.caller || t('bar.unknownCaller');
  if (!row.clickable) return caller;
  const process = async () => {
    setIsBusy(true);
    try {
      const { dial } = await ask(
        api.POST('/api/v1/crm/missed-calls/{id}/process', { params: { path: { id: row.id } } }),
      );
      if (dial.call) void message.success(t('missed.called', { number: caller }));
      else void message.warning(t('missed.notCalled', { reason: inWords(dial.refused ?? '') }));
    } catch (error) {
      void message.error(textOf(error));
    }
    setIsBusy(false);
    await queries.invalidateQueries();
  };
  return (
    <Button
      type="link"
      size="small"
      style={{ paddingInline: 0 }}
      disabled={isBusy}
      aria-label={`${t('missed.process')} ${caller}`}
      title={t('missed.process')}
      icon={row.caller ? <PhoneOutlined /> : undefined}
      iconPlacement="end"
      onClick={() => void process()}
    >
      {caller}
    </Button>
  );
}

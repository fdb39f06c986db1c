import { Form, Select, Tag } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client';
import { askCrm, type CrmCallRecord } from '../api/crm';
import { useMay, useSession } from '../app/session';
import { duration, moment, span, today } from '../format';
import { Conditions } from '../ui/Conditions';
import { DataTable } from '../ui/DataTable';
import { ExportButton } from '../ui/ExportButton';
import {
  ChoiceField,
  inMs,
  QueueField,
  type Seconds,
  SecondsFields,
  TextField,
  type Timed,
  TimeField,
  typed,
} from '../ui/fields';
import { NumberLink } from '../ui/NumberLink';
import { RecordingButtons } from '../ui/Recordings';
import { useView, ViewSwitch } from '../ui/ViewSwitch';
import { DetailButton } from './DetailButton';
import { EngineCallRecords } from './EngineCallRecords';
import { personOf } from './person';

const TYPES = ['inbound', 'outbound', 'internal', 'consult'] as const;
const COLOURS = { inbound: 'green', outbound: 'blue', internal: 'default', consult: 'purple' } as const;
/** What is no label of an answer (SURVEY-06). */
const UNRATED = { not_invited: 'records.notInvited', not_rated: 'records.notRated' } as const;

interface Wanted extends Timed, Seconds {
  type?: (typeof TYPES)[number];
  number?: string;
  agent?: string;
  queue?: string;
  satisfaction?: string[];
}

/** Call records (CDR-01 to CDR-10) of the CRM, or the engine's for who may not see them. */
export function CallRecords() {
  const may = useMay();
  return may('crm.call_records.read') ? <Listed /> : <EngineCallRecords />;
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
    type: wanted.type,
    number: typed(wanted.number),
    agent: view === 'all' ? typed(wanted.agent) : undefined,
    queue: typed(wanted.queue),
    talk_min_ms: inMs(wanted.min),
    talk_max_ms: inMs(wanted.max),
    satisfaction: typed(wanted.satisfaction?.[0]),
  };
  return (
    <div className="page">
      {hasMine && <ViewSwitch view={view} choose={choose} />}
      <Conditions
        form={form}
        initial={initial}
        ask={setWanted}
        extra={<ExportButton module="crm_call_records" conditions={conditions} />}
      >
        <TimeField label={t('records.time')} />
        <TextField name="number" label={t('records.number')} />
        {view === 'all' && <TextField name="agent" label={t('records.agent')} width={100} />}
        <ChoiceField
          name="type"
          label={t('records.type')}
          options={TYPES.map((value) => ({ value, label: t(`records.${value}`) }))}
          width={100}
        />
        <QueueField label={t('records.queue')} />
        <SecondsFields min={t('records.talkMin')} max={t('records.talkMax')} />
        <SatisfactionField />
      </Conditions>
      <DataTable<CrmCallRecord>
        name={['crm-call-records', conditions]}
        load={(page) => askCrm(api.GET('/api/v1/crm/call-records', { params: { query: { ...conditions, ...page } } }))}
        rowKey={({ id }) => id}
        columns={useColumns()}
        instead={may('call_records.read') ? <EngineCallRecords /> : undefined}
      />
    </div>
  );
}

/** One answer by its label, which the enterprise words itself; or that there is none. */
function SatisfactionField() {
  const { t } = useTranslation();
  return (
    <Form.Item name="satisfaction" label={t('records.satisfaction')}>
      <Select
        mode="tags"
        maxCount={1}
        allowClear
        style={{ width: 140 }}
        placeholder={t('common.all')}
        options={Object.entries(UNRATED).map(([value, word]) => ({ value, label: t(word) }))}
      />
    </Form.Item>
  );
}

function useColumns() {
  const { t } = useTranslation();
  const { time_zone: zone } = useSession();
  type Row = CrmCallRecord;
  return [
    {
      title: t('records.type'),
      fixed: 'left' as const,
      render: (_: unknown, { type }: Row) => <Tag color={COLOURS[type]}>{t(`records.${type}`)}</Tag>,
    },
    { title: t('records.caller'), render: (_: unknown, { caller }: Row) => <NumberLink number={caller} /> },
    { title: t('records.callee'), render: (_: unknown, { callee }: Row) => <NumberLink number={callee} /> },
    { title: t('missed.location'), dataIndex: 'location' },
    { title: t('records.agent'), render: (_: unknown, row: Row) => personOf(row) },
    { title: t('records.department'), render: (_: unknown, { department }: Row) => department?.name },
    { title: t('records.queue'), dataIndex: 'queue' },
    { title: t('records.start'), render: (_: unknown, row: Row) => moment(row.started_at, zone) },
    { title: t('missed.ringStart'), render: (_: unknown, row: Row) => moment(row.ring_at, zone) },
    { title: t('records.answer'), render: (_: unknown, row: Row) => moment(row.answered_at, zone) },
    { title: t('records.end'), render: (_: unknown, row: Row) => moment(row.ended_at, zone) },
    { title: t('records.wait'), render: (_: unknown, row: Row) => duration(row.queue_wait_ms) },
    { title: t('records.ring'), render: (_: unknown, row: Row) => duration(row.ring_ms) },
    { title: t('records.talk'), render: (_: unknown, row: Row) => duration(row.talk_ms) },
    { title: t('records.total'), render: (_: unknown, row: Row) => duration(row.total_ms) },
    {
      title: t('records.endedBy'),
      render: (_: unknown, { ended_by }: Row) => ended_by && t(`endedBy.${ended_by as 'caller'}`),
    },
    { title: t('records.cause'), render: (_: unknown, { cause }: Row) => t(`cause.${cause as 'normal'}`) },
    {
      title: t('records.satisfaction'),
      render: (_: unknown, { satisfaction }: Row) =>
        satisfaction in UNRATED ? t(UNRATED[satisfaction as keyof typeof UNRATED]) : satisfaction,
    },
    {
      title: t('records.recording'),
      fixed: 'right' as const,
      render: (_: unknown, row: Row) => <RecordingButtons recordings={row.recordings} />,
    },
    {
      title: t('common.operation'),
      fixed: 'right' as const,
      render: (_: unknown, { call_id }: Row) => <DetailButton call={call_id} />,
    },
  ];
}

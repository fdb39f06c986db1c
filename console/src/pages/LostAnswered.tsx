import { Form } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client';
import { askCrm, type CrmLostAnswered } from '../api/crm';
import { useSession } from '../app/session';
import { duration, moment, span, today } from '../format';
import { Conditions } from '../ui/Conditions';
import { DataTable } from '../ui/DataTable';
import { ExportButton } from '../ui/ExportButton';
import { inMs, type Seconds, SecondsFields, TextField, type Timed, TimeField, typed } from '../ui/fields';
import { NumberLink } from '../ui/NumberLink';
import { RecordingButtons } from '../ui/Recordings';

interface Wanted extends Timed, Seconds {
  number?: string;
}

/** Calls that no agent took and a mobile answered (LOSTANS-01 to LOSTANS-04). */
export function LostAnswered() {
  const { t } = useTranslation();
  const { time_zone: zone } = useSession();
  const [form] = Form.useForm<Wanted>();
  const initial: Wanted = { time: today(zone) };
  const [wanted, setWanted] = useState<Wanted>(initial);
  const conditions = {
    ...span(wanted.time, zone),
    number: typed(wanted.number),
    talk_min_ms: inMs(wanted.min),
    talk_max_ms: inMs(wanted.max),
  };
  return (
    <div className="page">
      <Conditions
        form={form}
        initial={initial}
        ask={setWanted}
        extra={<ExportButton module="crm_lost_answered" conditions={conditions} />}
      >
        <TimeField label={t('records.time')} />
        <TextField name="number" label={t('records.number')} />
        <SecondsFields min={t('records.talkMin')} max={t('records.talkMax')} />
      </Conditions>
      <DataTable<CrmLostAnswered>
        name={['crm-lost-answered', conditions]}
        load={(page) => askCrm(api.GET('/api/v1/crm/lost-answered', { params: { query: { ...conditions, ...page } } }))}
        rowKey={({ id }) => id}
        columns={[
          { title: t('records.caller'), render: (_, { caller }) => <NumberLink number={caller} /> },
          { title: t('missed.location'), dataIndex: 'location' },
          { title: t('lost.line'), dataIndex: 'line' },
          { title: t('records.queue'), dataIndex: 'queue' },
          { title: t('lost.mobile'), render: (_, { mobile }) => <NumberLink number={mobile} /> },
          { title: t('records.start'), render: (_, row) => moment(row.began_at, zone) },
          { title: t('records.answer'), render: (_, row) => moment(row.answered_at, zone) },
          { title: t('records.end'), render: (_, row) => moment(row.ended_at, zone) },
          { title: t('records.talk'), render: (_, row) => duration(row.talk_ms) },
          {
            title: t('records.recording'),
            fixed: 'right',
            render: (_, row) => <RecordingButtons recordings={row.recordings} />,
          },
        ]}
      />
    </div>
  );
}

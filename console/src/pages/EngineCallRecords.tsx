import { SoundOutlined } from '@ant-design/icons';
import { useQuery } from '@tanstack/react-query';
import { Button, Form, Modal, Tag } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask, type Schemas } from '../api/client';
import { useSession } from '../app/session';
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
  YesNoField,
} from '../ui/fields';
import { NumberLink } from '../ui/NumberLink';
import { Recording } from '../ui/Recordings';
import { Answered, Nothing } from '../ui/States';
import { DetailButton } from './DetailButton';

type CallRecord = Schemas['CallRecordShown'];
type Direction = Schemas['DirectionName'];
interface Wanted extends Timed, Seconds {
  direction?: Direction;
  number?: string;
  agent?: string;
  queue?: string;
  answered?: boolean;
  satisfaction?: string;
}

const DIRECTIONS: readonly Direction[] = ['inbound', 'outbound', 'internal'];
const DIRECTION_COLOURS: Record<Direction, string> = { inbound: 'green', outbound: 'blue', internal: 'default' };

/** The engine's own call records, one row a call: for installations without the CRM, and for who may see no others. */
export function EngineCallRecords() {
  const { t } = useTranslation();
  const { time_zone: zone } = useSession();
  const [form] = Form.useForm<Wanted>();
  const initial: Wanted = { time: today(zone) };
  const [wanted, setWanted] = useState<Wanted>(initial);
  const [shown, setShown] = useState<CallRecord>();
  const conditions = {
    ...span(wanted.time, zone),
    direction: wanted.direction,
    number: typed(wanted.number),
    agent: typed(wanted.agent),
    queue: typed(wanted.queue),
    answered: wanted.answered,
    talk_min_ms: inMs(wanted.min),
    talk_max_ms: inMs(wanted.max),
    satisfaction: typed(wanted.satisfaction),
  };
  return (
    <div className="page">
      <Conditions
        form={form}
        initial={initial}
        ask={setWanted}
        extra={<ExportButton module="call_records" conditions={conditions} />}
      >
        <Fields />
      </Conditions>
      <DataTable<CallRecord>
        name={['call-records', conditions]}
        load={(page) => ask(api.GET('/api/v1/call-records', { params: { query: { ...conditions, ...page } } }))}
        rowKey={(record) => record.id}
        columns={[
          {
            title: t('records.type'),
            fixed: 'left',
            render: (_, { direction }) => <Tag color={DIRECTION_COLOURS[direction]}>{t(`records.${direction}`)}</Tag>,
          },
          { title: t('records.caller'), render: (_, { caller }) => <NumberLink number={caller} /> },
          { title: t('records.callee'), render: (_, { callee }) => <NumberLink number={callee} /> },
          { title: t('records.agent'), dataIndex: 'agent' },
          { title: t('records.queue'), dataIndex: 'queue' },
          { title: t('records.start'), render: (_, record) => moment(record.created_at, zone) },
          { title: t('records.wait'), render: (_, record) => duration(record.queue_wait_ms) },
          { title: t('records.ring'), render: (_, record) => duration(record.ring_duration_ms) },
          { title: t('records.talk'), render: (_, record) => duration(record.talk_duration_ms) },
          {
            title: t('records.endedBy'),
            render: (_, { ended_by }) => ended_by && t(`endedBy.${ended_by as 'caller'}`),
          },
          {
            title: t('records.cause'),
            render: (_, { cause }) =>
              cause ? t(`cause.${cause as 'normal'}`) : <Tag color="processing">{t('records.live')}</Tag>,
          },
          { title: t('records.satisfaction'), render: (_, record) => <Rating record={record} /> },
          {
            title: t('common.operation'),
            fixed: 'right',
            render: (_, record) => (
              <>
                <Button
                  type="link"
                  size="small"
                  aria-label={t('records.listen')}
                  icon={<SoundOutlined />}
                  onClick={() => setShown(record)}
                >
                  {t('records.listen')}
                </Button>
                <DetailButton call={record.id} />
              </>
            ),
          },
        ]}
      />
      {shown && <Listening record={shown} close={() => setShown(undefined)} />}
    </div>
  );
}

function Fields() {
  const { t } = useTranslation();
  return (
    <>
      <TimeField label={t('records.time')} />
      <ChoiceField
        name="direction"
        label={t('records.type')}
        options={DIRECTIONS.map((value) => ({ value, label: t(`records.${value}`) }))}
        width={100}
      />
      <TextField name="number" label={t('records.number')} />
      <TextField name="agent" label={t('records.agent')} width={90} />
      <QueueField label={t('records.queue')} />
      <YesNoField name="answered" label={t('records.answered')} />
      <SecondsFields min={t('records.talkMin')} max={t('records.talkMax')} />
      <TextField name="satisfaction" label={t('records.satisfaction')} width={120} />
    </>
  );
}

/** The answer as it was said, the label kept with it (SURVEY-05). */
function Rating({ record }: { record: CallRecord }) {
  const { t } = useTranslation();
  if (!record.survey) return <span style={{ opacity: 0.75 }}>{t('records.notInvited')}</span>;
  const answer = record.survey.answer as { label?: string } | null | undefined;
  return answer?.label ?? t('records.notRated');
}

/** The recordings of a call, to hear and to keep; the rest of it stands on its own page. */
function Listening({ record, close }: { record: CallRecord; close: () => void }) {
  const { t } = useTranslation();
  const query = useQuery({
    queryKey: ['call-record', record.id],
    queryFn: () => ask(api.GET('/api/v1/call-records/{id}', { params: { path: { id: record.id } } })),
  });
  return (
    <Modal
      open
      closable={{ 'aria-label': t('common.close') }}
      title={t('records.recording')}
      footer={null}
      width={640}
      onCancel={close}
    >
      <Answered query={query}>
        {({ recordings }) =>
          recordings.length === 0 ? (
            <Nothing text={t('records.noRecording')} />
          ) : (
            recordings.map(({ id }, place) => <Recording key={id} id={id} begins={place === 0} />)
          )
        }
      </Answered>
    </Modal>
  );
}

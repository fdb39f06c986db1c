import { SoundOutlined } from '@ant-design/icons';
import { useQuery } from '@tanstack/react-query';
import { Button, DatePicker, Form, Input, InputNumber, Modal, Select, Tag } from 'antd';
import type { Dayjs } from 'dayjs';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask, type Schemas } from '../api/client';
import { useSession } from '../app/session';
import { duration, instant, moment, today } from '../format';
import { Conditions } from '../ui/Conditions';
import { DataTable } from '../ui/DataTable';
import { NumberLink } from '../ui/NumberLink';
import { Recording } from '../ui/Recordings';
import { Answered, Nothing } from '../ui/States';
import { DetailButton } from './DetailButton';

type CallRecord = Schemas['CallRecordShown'];
type Direction = Schemas['DirectionName'];
interface Wanted {
  time: [Dayjs, Dayjs];
  direction?: Direction;
  number?: string;
  agent?: string;
  queue?: string;
  answered?: boolean;
  talkMin?: number;
  talkMax?: number;
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
  const ms = (seconds: number | undefined) => (seconds === undefined || seconds === null ? undefined : seconds * 1000);
  const conditions = {
    from: instant(wanted.time[0], zone),
    to: instant(wanted.time[1], zone),
    direction: wanted.direction,
    number: wanted.number?.trim() || undefined,
    agent: wanted.agent?.trim() || undefined,
    queue: wanted.queue?.trim() || undefined,
    answered: wanted.answered,
    talk_min_ms: ms(wanted.talkMin),
    talk_max_ms: ms(wanted.talkMax),
    satisfaction: wanted.satisfaction?.trim() || undefined,
  };
  return (
    <div className="page">
      <Conditions form={form} initial={initial} ask={setWanted}>
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
      <Form.Item name="time" label={t('records.time')}>
        <DatePicker.RangePicker showTime allowClear={false} />
      </Form.Item>
      <Form.Item name="direction" label={t('records.type')}>
        <Select
          allowClear
          style={{ width: 100 }}
          placeholder={t('common.all')}
          options={DIRECTIONS.map((value) => ({ value, label: t(`records.${value}`) }))}
        />
      </Form.Item>
      <Form.Item name="number" label={t('records.number')}>
        <Input allowClear style={{ width: 140 }} />
      </Form.Item>
      <Form.Item name="agent" label={t('records.agent')}>
        <Input allowClear style={{ width: 90 }} />
      </Form.Item>
      <Form.Item name="queue" label={t('records.queue')}>
        <Input allowClear style={{ width: 110 }} />
      </Form.Item>
      <Form.Item name="answered" label={t('records.answered')}>
        <Select
          allowClear
          style={{ width: 90 }}
          placeholder={t('common.all')}
          options={[
            { value: true, label: t('common.yes') },
            { value: false, label: t('common.no') },
          ]}
        />
      </Form.Item>
      <Form.Item name="talkMin" label={t('records.talkMin')}>
        <InputNumber min={0} precision={0} style={{ width: 80 }} />
      </Form.Item>
      <Form.Item name="talkMax" label={t('records.talkMax')}>
        <InputNumber min={0} precision={0} style={{ width: 80 }} />
      </Form.Item>
      <Form.Item name="satisfaction" label={t('records.satisfaction')}>
        <Input allowClear style={{ width: 120 }} />
      </Form.Item>
    </>
  );
}

/** The answer as it was said, the label kept with it (SURVEY-05). */
function Rating({ record }: { record: CallRecord }) {
  const { t } = useTranslation();
  if (!record.survey) return <span style={{ opacity: 0.45 }}>{t('records.notInvited')}</span>;
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
    <Modal open title={t('records.recording')} footer={null} width={640} onCancel={close}>
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

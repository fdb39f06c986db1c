import { SoundOutlined } from '@ant-design/icons';
import { useQuery } from '@tanstack/react-query';
import { Button, DatePicker, Descriptions, Drawer, Form, Input, InputNumber, Select, Space, Tag } from 'antd';
import type { Dayjs } from 'dayjs';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask, type Schemas } from '../api/client';
import { useMay, useSession } from '../app/session';
import { duration, instant, moment, today } from '../format';
import { AudioPlayer } from '../ui/AudioPlayer';
import { Conditions } from '../ui/Conditions';
import { DataTable } from '../ui/DataTable';
import { NumberLink } from '../ui/NumberLink';
import { Answered, Nothing } from '../ui/States';

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
              <Button
                type="link"
                size="small"
                aria-label={t('records.listen')}
                icon={<SoundOutlined />}
                onClick={() => setShown(record)}
              >
                {t('records.listen')}
              </Button>
            ),
          },
        ]}
      />
      {shown && <Detail record={shown} close={() => setShown(undefined)} />}
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

function Detail({ record, close }: { record: CallRecord; close: () => void }) {
  const { t } = useTranslation();
  const { time_zone: zone } = useSession();
  const may = useMay();
  const query = useQuery({
    queryKey: ['call-record', record.id],
    queryFn: () => ask(api.GET('/api/v1/call-records/{id}', { params: { path: { id: record.id } } })),
  });
  return (
    <Drawer open title={t('records.detail')} size={640} onClose={close}>
      <Space orientation="vertical" size="large" style={{ width: '100%' }}>
        <Descriptions
          size="small"
          column={2}
          bordered
          items={[
            { key: 'caller', label: t('records.caller'), children: record.caller || t('bar.unknownCaller') },
            { key: 'callee', label: t('records.callee'), children: record.callee },
            { key: 'start', label: t('records.start'), children: moment(record.created_at, zone) },
            { key: 'answer', label: t('records.answer'), children: moment(record.answered_at, zone) },
            { key: 'end', label: t('records.end'), children: moment(record.ended_at, zone) },
            { key: 'total', label: t('records.total'), children: duration(record.total_duration_ms) },
          ]}
        />
        <Answered query={query}>
          {({ recordings }) => {
            if (recordings.length === 0) return <Nothing text={t('records.noRecording')} />;
            return recordings.map((one) => {
              if (!one.audio)
                return <Nothing key={one.id} text={one.purged_at ? t('records.expired') : t('records.noRecording')} />;
              if (!may('recordings.play')) return null;
              const file = may('recordings.download') ? `/api/v1/recordings/${one.id}/file` : undefined;
              return <AudioPlayer key={one.id} source={one.audio} download={file} />;
            });
          }}
        </Answered>
      </Space>
    </Drawer>
  );
}

import { MessageOutlined } from '@ant-design/icons';
import { Button, DatePicker, Form, Input, Segmented, Select, Tag } from 'antd';
import type { Dayjs } from 'dayjs';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask, type Schemas } from '../../api/client';
import { inWords } from '../../api/problem';
import { useMay, useSession } from '../../app/session';
import { instant, moment, today } from '../../format';
import { Conditions } from '../../ui/Conditions';
import { DataTable } from '../../ui/DataTable';
import { NumberLink } from '../../ui/NumberLink';
import { MESSAGES, SendSms } from './SendSms';

type Message = Schemas['SmsMessage'];
interface Wanted {
  time: [Dayjs, Dayjs];
  number?: string;
  result?: Message['result'];
}

const RESULTS = ['not_sent', 'sent', 'failed'] as const;
const COLOURS: Record<Message['result'], string> = { not_sent: 'default', sent: 'success', failed: 'error' };

/** The short messages, and what came of each (SMS-01, SMS-02). */
export function SmsMessages() {
  const { t } = useTranslation();
  const may = useMay();
  const { time_zone: zone, employee } = useSession();
  const [form] = Form.useForm<Wanted>();
  const initial: Wanted = { time: today(zone) };
  const [wanted, setWanted] = useState<Wanted>(initial);
  const [view, setView] = useState<'all' | 'mine'>('all');
  const [sending, setSending] = useState(false);
  const conditions = {
    view,
    from: instant(wanted.time[0], zone),
    to: instant(wanted.time[1], zone),
    number: wanted.number?.trim() || undefined,
    result: wanted.result,
  };
  return (
    <div className="page">
      <div className="settings-head">
        {employee ? (
          <Segmented
            value={view}
            onChange={setView}
            options={[
              { value: 'all', label: t('sms.allData') },
              { value: 'mine', label: t('sms.mine') },
            ]}
          />
        ) : (
          <span />
        )}
        {may('sms.send') && (
          <Button type="primary" icon={<MessageOutlined />} onClick={() => setSending(true)}>
            {t('sms.send')}
          </Button>
        )}
      </div>
      <Conditions form={form} initial={initial} ask={setWanted}>
        <Form.Item name="time" label={t('sms.time')}>
          <DatePicker.RangePicker showTime allowClear={false} />
        </Form.Item>
        <Form.Item name="number" label={t('sms.number')}>
          <Input allowClear style={{ width: 150 }} />
        </Form.Item>
        <Form.Item name="result" label={t('sms.result')}>
          <Select
            allowClear
            style={{ width: 120 }}
            placeholder={t('common.all')}
            options={RESULTS.map((value) => ({ value, label: t(`sms.results.${value}`) }))}
          />
        </Form.Item>
      </Conditions>
      <DataTable<Message>
        name={[...MESSAGES, conditions]}
        load={(page) => ask(api.GET('/api/v1/sms/messages', { params: { query: { ...conditions, ...page } } }))}
        rowKey={({ id }) => id}
        columns={[
          { title: t('sms.number'), fixed: 'left', render: (_, { number }) => <NumberLink number={number} /> },
          { title: t('sms.content'), dataIndex: 'content', width: 320, ellipsis: true },
          { title: t('sms.signature'), dataIndex: 'signature' },
          { title: t('sms.template'), render: (_, { template }) => template ?? t('sms.ownText') },
          {
            title: t('sms.sender'),
            render: (_, { sender, sender_name }) => [sender_name, sender].filter(Boolean).join(' '),
          },
          { title: t('sms.time'), render: (_, { at }) => moment(at, zone) },
          {
            title: t('sms.result'),
            render: (_, { result }) => <Tag color={COLOURS[result]}>{t(`sms.results.${result}`)}</Tag>,
          },
          { title: t('sms.reason'), render: (_, { reason }) => inWords(reason) },
        ]}
      />
      {sending && <SendSms close={() => setSending(false)} />}
    </div>
  );
}

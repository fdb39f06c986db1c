import { Badge, DatePicker, Form, Input, Select, Tag } from 'antd';
import type { Dayjs } from 'dayjs';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask, type Schemas } from '../api/client';
import { useSession } from '../app/session';
import { STATE_COLOURS } from '../bar/StateSelector';
import { STATES, type StateName } from '../desk/model';
import { duration, instant, moment, today } from '../format';
import { Conditions } from '../ui/Conditions';
import { DataTable } from '../ui/DataTable';

type Stay = Schemas['AgentStayShown'];
interface Wanted {
  time: [Dayjs, Dayjs];
  agent?: string;
  state?: StateName;
  reason?: string;
}

/** Those that begin a stay (section 4 of the requirements); what a call does begins none. */
const REASONS = [
  'login',
  'manual',
  'missed_calls',
  'call_end',
  'wrap_up_timeout',
  'forced',
  'connection_lost',
  'logout',
  'mobile_sign_in',
  'mobile_sign_out',
  'account_closed',
] as const;

/** The agent state log (LOG-01 to LOG-03). */
export function AgentStates() {
  const { t } = useTranslation();
  const { time_zone: zone } = useSession();
  const [form] = Form.useForm<Wanted>();
  const initial: Wanted = { time: today(zone) };
  const [wanted, setWanted] = useState<Wanted>(initial);
  const conditions = {
    from: instant(wanted.time[0], zone),
    to: instant(wanted.time[1], zone),
    agent: wanted.agent?.trim() || undefined,
    state: wanted.state,
    reason: wanted.reason,
  };
  return (
    <div className="page">
      <Conditions form={form} initial={initial} ask={setWanted}>
        <Form.Item name="time" label={t('states.time')}>
          <DatePicker.RangePicker showTime allowClear={false} />
        </Form.Item>
        <Form.Item name="agent" label={t('states.agent')}>
          <Input allowClear style={{ width: 100 }} />
        </Form.Item>
        <Form.Item name="state" label={t('states.state')}>
          <Select
            allowClear
            style={{ width: 130 }}
            placeholder={t('common.all')}
            options={STATES.map((value) => ({ value, label: t(`state.${value}`) }))}
          />
        </Form.Item>
        <Form.Item name="reason" label={t('states.reason')}>
          <Select
            allowClear
            style={{ width: 150 }}
            placeholder={t('common.all')}
            options={REASONS.map((value) => ({ value, label: t(`reason.${value}`) }))}
          />
        </Form.Item>
      </Conditions>
      <DataTable<Stay>
        name={['agent-states', conditions]}
        load={(page) => ask(api.GET('/api/v1/agent-states', { params: { query: { ...conditions, ...page } } }))}
        rowKey={(stay) => `${stay.agent} ${stay.began_at} ${stay.reason}`}
        columns={[
          { title: t('states.agent'), dataIndex: 'agent' },
          {
            title: t('states.state'),
            render: (_, { state }) => <Badge color={STATE_COLOURS[state]} text={t(`state.${state}`)} />,
          },
          { title: t('states.began'), render: (_, stay) => moment(stay.began_at, zone) },
          {
            title: t('states.ended'),
            render: (_, stay) => moment(stay.ended_at, zone) || <Tag color="processing">{t('states.now')}</Tag>,
          },
          { title: t('states.lasted'), render: (_, stay) => duration(stay.duration_ms) },
          { title: t('states.reason'), render: (_, { reason }) => t(`reason.${reason as 'manual'}`) },
          { title: t('states.doneBy'), dataIndex: 'done_by' },
          { title: t('states.phone'), render: (_, stay) => stay.mobile ?? stay.extension },
        ]}
      />
    </div>
  );
}

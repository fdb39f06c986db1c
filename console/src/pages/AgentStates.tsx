import { Badge, Form, Tag } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask, type Schemas } from '../api/client';
import { useSession } from '../app/session';
import { STATE_COLOURS } from '../bar/StateSelector';
import { STATES, type StateName } from '../desk/model';
import { duration, moment, span, today } from '../format';
import { Conditions } from '../ui/Conditions';
import { DataTable } from '../ui/DataTable';
import { ChoiceField, DepartmentField, TextField, type Timed, TimeField, typed } from '../ui/fields';

type Stay = Schemas['AgentStayShown'];
interface Wanted extends Timed {
  agent?: string;
  department?: string;
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
  const agent = typed(wanted.agent);
  const department = agent ? undefined : wanted.department;
  const conditions = {
    ...span(wanted.time, zone),
    agent,
    department,
    state: wanted.state,
    reason: wanted.reason,
  };
  return (
    <div className="page">
      <Conditions form={form} initial={initial} ask={setWanted}>
        <TimeField label={t('states.time')} />
        <DepartmentField label={t('logins.department')} />
        <TextField name="agent" label={t('states.agent')} width={100} />
        <ChoiceField
          name="state"
          label={t('states.state')}
          options={STATES.map((value) => ({ value, label: t(`state.${value}`) }))}
        />
        <ChoiceField
          name="reason"
          label={t('states.reason')}
          options={REASONS.map((value) => ({ value, label: t(`reason.${value}`) }))}
          width={150}
        />
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

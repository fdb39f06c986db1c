import { Form, Tag } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask, type Schemas } from '../api/client';
import { useSession } from '../app/session';
import { moment, span, today } from '../format';
import { Conditions } from '../ui/Conditions';
import { DataTable } from '../ui/DataTable';
import { ChoiceField, DepartmentField, TextField, type Timed, TimeField, typed } from '../ui/fields';

type Login = Schemas['LoginShown'];

/** What came of it, each with its colour. */
const STATUSES = {
  login: 'success',
  logout: 'default',
  failed: 'error',
  locked: 'error',
  replaced: 'warning',
  expired: 'warning',
} as const;
type Status = keyof typeof STATUSES;

interface Wanted extends Timed {
  agent?: string;
  department?: string;
  status?: Status;
}

/** The agent login log (LOG-06, LOG-07). */
export function Logins() {
  const { t } = useTranslation();
  const { time_zone: zone } = useSession();
  const [form] = Form.useForm<Wanted>();
  const initial: Wanted = { time: today(zone) };
  const [wanted, setWanted] = useState<Wanted>(initial);
  const agent = typed(wanted.agent);
  const department = agent ? undefined : wanted.department;
  const conditions = { ...span(wanted.time, zone), agent, department, status: wanted.status };
  return (
    <div className="page">
      <Conditions form={form} initial={initial} ask={setWanted}>
        <TimeField label={t('logins.time')} />
        <DepartmentField label={t('logins.department')} />
        <TextField name="agent" label={t('logins.agent')} width={100} />
        <ChoiceField
          name="status"
          label={t('logins.status')}
          options={Object.keys(STATUSES).map((value) => ({ value, label: t(`loginStatus.${value as Status}`) }))}
        />
      </Conditions>
      <DataTable<Login>
        name={['logins', conditions]}
        load={(page) => ask(api.GET('/api/v1/logins', { params: { query: { ...conditions, ...page } } }))}
        rowKey={({ id }) => id}
        columns={[
          { title: t('logins.time'), render: (_, { at }) => moment(at, zone) },
          { title: t('logins.login'), dataIndex: 'login' },
          { title: t('logins.agent'), dataIndex: 'employee_no' },
          {
            title: t('logins.status'),
            render: (_, { status }) => (
              <Tag color={STATUSES[status as Status]}>{t(`loginStatus.${status as Status}`)}</Tag>
            ),
          },
          { title: t('logins.way'), render: (_, { way }) => t(`loginWay.${way}`) },
          {
            title: t('logins.signIn'),
            render: (_, { sign_in: way }) => way && t(`way.${way === 'browser' ? 'web' : way}`),
          },
          { title: t('logins.address'), dataIndex: 'address' },
        ]}
      />
    </div>
  );
}

import { UserOutlined } from '@ant-design/icons';
import { Avatar, Button, Form, Input, Select, Space, Tag, Tooltip } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask } from '../../api/client';
import { useMay, useSession } from '../../app/session';
import { moment } from '../../format';
import { Conditions } from '../../ui/Conditions';
import { DataTable } from '../../ui/DataTable';
import { NumberLink } from '../../ui/NumberLink';
import { useAct } from '../../ui/settings/orders';
import { Actions } from '../../ui/settings/SettingsList';
import { DepartmentTree } from './DepartmentTree';
import { EMPLOYEES, type Employee, useDepartments, useRoles } from './directory';
import { EmployeeForm } from './EmployeeForm';
import { MoveDrawer, PasswordDrawer } from './EmployeeOrders';
import { useStatus } from './useStatus';

interface Wanted {
  name?: string;
  nickname?: string;
  number?: string;
  phone?: string;
  role?: string;
  status?: Employee['status'];
}

type Edited = { kind: 'none' } | { kind: 'new' } | { kind: 'changed' | 'moved' | 'password'; employee: Employee };

const STATUSES = ['in_service', 'left'] as const;
const said = (text: string | undefined) => text?.trim() || undefined;

/** Departments and employees (ORG-01 to ORG-30). */
export function Employees() {
  const may = useMay();
  const [department, choose] = useState<string>();
  return (
    <div className="beside">
      {may('departments.read') && <DepartmentTree chosen={department} choose={choose} />}
      {may('employees.read') && <People department={department} />}
    </div>
  );
}

function People({ department }: { department: string | undefined }) {
  const { t } = useTranslation();
  const may = useMay();
  const [form] = Form.useForm<Wanted>();
  const [wanted, setWanted] = useState<Wanted>({});
  const [edited, setEdited] = useState<Edited>({ kind: 'none' });
  const [ticked, setTicked] = useState<Employee[]>([]);
  const setStatus = useStatus();
  const { options: roles } = useRoles();
  const conditions = {
    name: said(wanted.name),
    nickname: said(wanted.nickname),
    number: said(wanted.number),
    phone: said(wanted.phone),
    role: wanted.role,
    status: wanted.status,
    department,
  };
  const close = () => setEdited({ kind: 'none' });
  const columns = useColumns(setEdited);
  const batch = (status: Employee['status']) => setStatus(ticked, status, () => setTicked([]));
  return (
    <div className="page beside-wide">
      <Conditions form={form} initial={{}} ask={setWanted}>
        <Fields roles={roles} />
      </Conditions>
      {may('employees.write') && (
        <div className="settings-head">
          <Space>
            {ticked.length > 0 && t('people.ticked', { count: ticked.length })}
            <Button disabled={ticked.length === 0} onClick={() => batch('left')}>
              {t('people.setLeft')}
            </Button>
            <Button disabled={ticked.length === 0} onClick={() => batch('in_service')}>
              {t('people.setInService')}
            </Button>
          </Space>
          <Button type="primary" onClick={() => setEdited({ kind: 'new' })}>
            {t('people.add')}
          </Button>
        </div>
      )}
      <DataTable<Employee>
        name={[...EMPLOYEES, conditions]}
        load={(page) => ask(api.GET('/api/v1/employees', { params: { query: { ...conditions, ...page } } }))}
        rowKey={({ number }) => number}
        columns={columns}
        rowSelection={
          may('employees.write')
            ? { selectedRowKeys: ticked.map(({ number }) => number), onChange: (_, rows) => setTicked(rows) }
            : undefined
        }
      />
      {edited.kind === 'new' && <EmployeeForm department={department} close={close} />}
      {edited.kind === 'changed' && <EmployeeForm number={edited.employee.number} close={close} />}
      {edited.kind === 'moved' && <MoveDrawer employee={edited.employee} close={close} />}
      {edited.kind === 'password' && <PasswordDrawer employee={edited.employee} close={close} />}
    </div>
  );
}

function Fields({ roles }: { roles: { value: string; label: string }[] }) {
  const { t } = useTranslation();
  return (
    <>
      <Form.Item name="name" label={t('people.name')}>
        <Input allowClear style={{ width: 110 }} />
      </Form.Item>
      <Form.Item name="nickname" label={t('people.nickname')}>
        <Input allowClear style={{ width: 110 }} />
      </Form.Item>
      <Form.Item name="number" label={t('people.number')}>
        <Input allowClear style={{ width: 100 }} />
      </Form.Item>
      <Form.Item name="phone" label={t('people.mobile')}>
        <Input allowClear style={{ width: 130 }} />
      </Form.Item>
      {roles.length > 0 && (
        <Form.Item name="role" label={t('people.role')}>
          <Select allowClear style={{ width: 130 }} placeholder={t('common.all')} options={roles} />
        </Form.Item>
      )}
      <Form.Item name="status" label={t('people.status')}>
        <Select
          allowClear
          style={{ width: 100 }}
          placeholder={t('common.all')}
          options={STATUSES.map((value) => ({ value, label: t(`people.statuses.${value}`) }))}
        />
      </Form.Item>
    </>
  );
}

function useColumns(edit: (edited: Edited) => void) {
  const { t } = useTranslation();
  const may = useMay();
  const { names: roles } = useRoles();
  const { names: departments } = useDepartments();
  const actionsOf = useActions(edit);
  const columns = [
    { title: t('people.name'), fixed: 'left' as const, render: (_: unknown, one: Employee) => <Name of={one} /> },
    { title: t('people.number'), dataIndex: 'number' },
    { title: t('people.status'), render: (_: unknown, one: Employee) => <Status of={one} /> },
    { title: t('people.department'), render: (_: unknown, one: Employee) => departments.get(one.department) },
    { title: t('people.role'), render: (_: unknown, { role }: Employee) => roles.get(role) },
    { title: t('people.nickname'), dataIndex: 'nickname' },
    { title: t('people.login'), dataIndex: 'login' },
    {
      title: t('people.mobile'),
      render: (_: unknown, { mobile }: Employee) => mobile && <NumberLink number={mobile} />,
    },
    { title: t('people.extension'), render: (_: unknown, { agent }: Employee) => agent?.extension },
    {
      title: t('people.afterCall'),
      render: (_: unknown, { agent }: Employee) => agent && t(`people.afterCalls.${agent.after_call ?? 'wrap_up'}`),
    },
    { title: t('people.email'), dataIndex: 'email' },
  ];
  if (!may('employees.write')) return columns;
  const last = {
    title: t('common.operation'),
    fixed: 'right' as const,
    render: (_: unknown, one: Employee) => <Actions of={actionsOf(one)} />,
  };
  return [...columns, last];
}

function useActions(edit: (edited: Edited) => void) {
  const { t } = useTranslation();
  const act = useAct();
  const setStatus = useStatus();
  return (employee: Employee) => {
    const { number, name, status, locked_at } = employee;
    const unlock = () => ask(api.POST('/api/v1/employees/{id}/unlock', { params: { path: { id: number } } }));
    const unlocking = {
      label: t('people.unlock'),
      act: () => void act(unlock, t('people.unlocked', { name }), [EMPLOYEES]),
    };
    const other = status === 'left' ? ('in_service' as const) : ('left' as const);
    return [
      { label: t('settings.edit'), act: () => edit({ kind: 'changed', employee }) },
      ...(locked_at ? [unlocking] : []),
      { label: t('people.move'), act: () => edit({ kind: 'moved', employee }) },
      { label: t('people.givePassword'), act: () => edit({ kind: 'password', employee }) },
      {
        label: t(other === 'left' ? 'people.setLeft' : 'people.setInService'),
        danger: other === 'left',
        act: () => setStatus([employee], other),
      },
    ];
  };
}

function Name({ of: { name, avatar, updated_at } }: { of: Employee }) {
  return (
    <Space size={8}>
      <Avatar size="small" icon={<UserOutlined />} src={avatar ? `${avatar}?${updated_at}` : undefined} alt="" />
      {name}
    </Space>
  );
}

function Status({ of: { status, locked_at } }: { of: Employee }) {
  const { t } = useTranslation();
  const { time_zone: zone } = useSession();
  return (
    <Space size={4}>
      <Tag color={status === 'left' ? 'default' : 'success'}>{t(`people.statuses.${status}`)}</Tag>
      {locked_at && (
        <Tooltip title={t('people.lockedSince', { time: moment(locked_at, zone) })}>
          <Tag color="error">{t('people.locked')}</Tag>
        </Tooltip>
      )}
    </Space>
  );
}

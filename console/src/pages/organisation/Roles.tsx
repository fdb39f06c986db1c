import { Alert, Form, Input, Tabs, Tag } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask, type Schemas } from '../../api/client';
import { useMay, useSession } from '../../app/session';
import { moment } from '../../format';
import { FormDrawer } from '../../ui/settings/FormDrawer';
import { useDelete } from '../../ui/settings/orders';
import { SettingsList } from '../../ui/settings/SettingsList';
import { askTagged, ifMatch } from '../../ui/settings/tagged';
import { ROLES, type Role, useDepartments } from './directory';
import { EVERYTHING } from './permissions';
import { DataField, FieldRights, PermissionField } from './RightsFields';

type Filled = Required<Schemas['RoleRules']>;
type Edited = { kind: 'none' } | { kind: 'new'; like?: Role } | { kind: 'changed'; role: Role };

const pathOf = ({ id }: Role) => ({ params: { path: { id } } });

/** Roles: what one may do, which fields one sees, and whose rows (ORG-31 to ORG-37). */
export function Roles() {
  const { t } = useTranslation();
  const may = useMay();
  const { time_zone: zone } = useSession();
  const erase = useDelete();
  const [edited, setEdited] = useState<Edited>({ kind: 'none' });
  const mayWrite = may('roles.write');
  const actions = (role: Role) => [
    { label: t('settings.edit'), act: () => setEdited({ kind: 'changed', role }) },
    { label: t('roles.copy'), act: () => setEdited({ kind: 'new', like: role }) },
    {
      label: t('settings.delete'),
      danger: true,
      disabled: role.administrator,
      act: () =>
        erase({
          name: role.name,
          hint: t('roles.deleteHint'),
          remove: () => ask(api.DELETE('/api/v1/roles/{id}', pathOf(role))),
          lists: [ROLES],
        }),
    },
  ];
  return (
    <div className="page">
      <SettingsList<Role>
        name={ROLES}
        load={(query) => ask(api.GET('/api/v1/roles', { params: { query } }))}
        rowKey={({ id }) => id}
        searchIn={({ name }) => [name]}
        searchLabel={t('roles.byName')}
        columns={[
          { title: t('roles.name'), render: (_, role) => <Name of={role} /> },
          { title: t('roles.description'), dataIndex: 'description', ellipsis: true },
          { title: t('roles.functions'), render: (_, role) => <Functions of={role} /> },
          { title: t('roles.data'), render: (_, { data }) => <Data of={data} /> },
          { title: t('roles.changed'), render: (_, role) => moment(role.updated_at, zone) },
        ]}
        add={mayWrite ? { label: t('roles.add'), act: () => setEdited({ kind: 'new' }) } : undefined}
        {...(mayWrite ? { actions } : {})}
      />
      <RoleForm edited={edited} close={() => setEdited({ kind: 'none' })} />
    </div>
  );
}

function Name({ of: { name, administrator } }: { of: Role }) {
  const { t } = useTranslation();
  return (
    <>
      {name} {administrator && <Tag color="blue">{t('roles.fixed')}</Tag>}
    </>
  );
}

function Functions({ of: { permissions = [] } }: { of: Role }) {
  const { t } = useTranslation();
  return permissions.includes(EVERYTHING) ? t('roles.everything') : t('roles.counted', { count: permissions.length });
}

function Data({ of }: { of: Role['data'] }) {
  const { t } = useTranslation();
  const { names } = useDepartments();
  if (of?.scope === 'all') return t('roles.dataAll');
  const others = (of?.departments ?? []).map((id) => names.get(id) ?? id);
  return [...(of?.own === false ? [] : [t('roles.dataOwn')]), ...others].join(t('people.comma'));
}

function RoleForm({ edited, close }: { edited: Edited; close: () => void }) {
  const { t } = useTranslation();
  const [tab, setTab] = useState<string>('permissions');
  if (edited.kind === 'none') return null;
  const like = edited.kind === 'new' ? edited.like : undefined;
  const role = edited.kind === 'changed' ? edited.role : undefined;
  const begun = (shown: Role | undefined): Partial<Filled> => ({
    name: shown?.name ?? (like ? t('roles.copyOf', { name: like.name }) : ''),
    description: (shown ?? like)?.description ?? '',
    permissions: (shown ?? like)?.permissions ?? [],
    fields: (shown ?? like)?.fields ?? {},
    data: (shown ?? like)?.data ?? { scope: 'departments', own: true },
  });
  return (
    <FormDrawer<Filled, Role>
      size={640}
      title={role ? t('roles.edit') : t('roles.add')}
      lists={[ROLES]}
      identity="name"
      close={close}
      read={role ? () => askTagged(api.GET('/api/v1/roles/{id}', pathOf(role))) : undefined}
      fill={begun}
      reveal={([name]) => RIGHTS.includes(String(name)) && setTab(String(name))}
      save={(body, etag) =>
        ask(
          role
            ? api.PUT('/api/v1/roles/{id}', { ...pathOf(role), ...ifMatch(etag), body })
            : api.POST('/api/v1/roles', { body }),
        )
      }
    >
      {(_, shown) => <Fields isFixed={shown?.administrator ?? false} isNew={!shown} tab={tab} setTab={setTab} />}
    </FormDrawer>
  );
}

/** The fields that have a tab each. */
const RIGHTS = ['permissions', 'fields', 'data'];

interface Tabbed {
  isFixed: boolean;
  isNew: boolean;
  tab: string;
  setTab: (tab: string) => void;
}

function Fields({ isFixed, isNew, tab, setTab }: Tabbed) {
  const { t } = useTranslation();
  const tabs = [
    {
      key: 'permissions',
      label: t('roles.functions'),
      children: (
        <Form.Item name="permissions">
          <PermissionField disabled={isFixed} />
        </Form.Item>
      ),
    },
    {
      key: 'fields',
      label: t('roles.fields'),
      children: (
        <Form.Item name="fields" extra={t('roles.fieldsHint')}>
          <FieldRights disabled={isFixed} />
        </Form.Item>
      ),
    },
    {
      key: 'data',
      label: t('roles.data'),
      children: (
        <Form.Item name="data" extra={t('roles.dataHint')}>
          <DataField disabled={isFixed} />
        </Form.Item>
      ),
    },
  ].map((tab) => ({ ...tab, forceRender: true }));
  return (
    <>
      {isFixed && <Alert showIcon type="info" title={t('roles.fixedHint')} style={{ marginBottom: 16 }} />}
      {!isFixed && !isNew && <Alert showIcon type="info" title={t('roles.effectHint')} style={{ marginBottom: 16 }} />}
      <Form.Item name="name" label={t('roles.name')} rules={[{ required: true, whitespace: true, max: 64 }]}>
        <Input autoFocus />
      </Form.Item>
      <Form.Item name="description" label={t('roles.description')} rules={[{ max: 200 }]}>
        <Input.TextArea autoSize={{ minRows: 1, maxRows: 4 }} maxLength={200} showCount />
      </Form.Item>
      <Tabs activeKey={tab} onChange={setTab} items={tabs} />
    </>
  );
}

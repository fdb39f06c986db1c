import { DatePicker, Form, Input, Tag, Tooltip } from 'antd';
import dayjs, { type Dayjs } from 'dayjs';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask, type Schemas } from '../../api/client';
import { useMay, useSession } from '../../app/session';
import { instant, moment } from '../../format';
import { FormDrawer } from '../../ui/settings/FormDrawer';
import { useDelete } from '../../ui/settings/orders';
import { SettingsList } from '../../ui/settings/SettingsList';
import { ShownOnce } from '../../ui/settings/ShownOnce';
import { EVERYTHING } from '../organisation/permissions';
import { DataField, PermissionField } from '../organisation/RightsFields';

type Token = Schemas['TokenShown'];
interface Filled {
  name: string;
  permissions: string[];
  data: Schemas['DataPermission'];
  expires_at?: Dayjs;
}

const TOKENS = ['tokens'] as const;

/** API tokens: each is shown once, and revoked at once. */
export function Tokens() {
  const { t } = useTranslation();
  const may = useMay();
  const { time_zone: zone } = useSession();
  const erase = useDelete();
  const [isNew, setIsNew] = useState(false);
  const [secret, setSecret] = useState<string>();
  const revoke = ({ id, name }: Token) =>
    erase({
      name,
      hint: t('tokens.revokeHint'),
      remove: () => ask(api.DELETE('/api/v1/tokens/{id}', { params: { path: { id } } })),
      lists: [TOKENS],
    });
  const mayWrite = may('tokens.write');
  const actions = (token: Token) => [{ label: t('tokens.revoke'), danger: true, act: () => revoke(token) }];
  return (
    <div className="page">
      <SettingsList<Token>
        name={TOKENS}
        load={(query) => ask(api.GET('/api/v1/tokens', { params: { query } }))}
        rowKey={({ id }) => id}
        searchIn={({ name }) => [name]}
        empty={t('tokens.none')}
        columns={[
          { title: t('tokens.name'), dataIndex: 'name' },
          { title: t('roles.functions'), render: (_, { permissions }) => <Rights of={permissions} /> },
          { title: t('roles.data'), render: (_, { data }) => <Scope of={data} /> },
          { title: t('tokens.expires'), render: (_, { expires_at }) => <Until at={expires_at} /> },
          { title: t('tokens.made'), render: (_, { created_at }) => moment(created_at, zone) },
        ]}
        add={mayWrite ? { label: t('tokens.add'), act: () => setIsNew(true) } : undefined}
        {...(mayWrite ? { actions } : {})}
      />
      {isNew && <NewToken close={() => setIsNew(false)} made={setSecret} />}
      {secret && <ShownOnce title={t('tokens.secret')} secret={secret} close={() => setSecret(undefined)} />}
    </div>
  );
}

function Rights({ of }: { of: string[] }) {
  const { t } = useTranslation();
  if (of.includes(EVERYTHING)) return t('roles.everything');
  return <Tooltip title={of.join(', ')}>{t('roles.counted', { count: of.length })}</Tooltip>;
}

function Scope({ of }: { of: Token['data'] }) {
  const { t } = useTranslation();
  return of.scope === 'all' ? t('roles.dataAll') : t('tokens.departments', { count: of.departments?.length ?? 0 });
}

function Until({ at }: { at: string | null | undefined }) {
  const { t } = useTranslation();
  const { time_zone: zone } = useSession();
  if (!at) return t('tokens.never');
  return (
    <>
      {moment(at, zone)} {dayjs(at).isBefore(dayjs()) && <Tag color="error">{t('tokens.expired')}</Tag>}
    </>
  );
}

function NewToken({ close, made }: { close: () => void; made: (secret: string) => void }) {
  const { t } = useTranslation();
  const { time_zone: zone, data } = useSession();
  return (
    <FormDrawer<Filled, undefined, Schemas['TokenWithSecret']>
      size={640}
      title={t('tokens.add')}
      lists={[TOKENS]}
      close={close}
      fill={() => ({ permissions: [], data: data.scope === 'all' ? data : { scope: 'departments', own: false } })}
      save={({ expires_at, ...values }) => {
        const until = expires_at ? { expires_at: instant(expires_at, zone) } : {};
        return ask(api.POST('/api/v1/tokens', { body: { ...values, ...until } }));
      }}
      saved={({ token }) => made(token)}
    >
      <Form.Item name="name" label={t('tokens.name')} rules={[{ required: true, whitespace: true, max: 64 }]}>
        <Input autoFocus placeholder={t('tokens.nameHint')} />
      </Form.Item>
      <Form.Item name="expires_at" label={t('tokens.expires')}>
        <DatePicker
          showTime
          style={{ width: '100%' }}
          placeholder={t('tokens.never')}
          disabledDate={(day) => day.isBefore(dayjs(), 'day')}
        />
      </Form.Item>
      <Form.Item name="permissions" label={t('roles.functions')} rules={[{ required: true }]}>
        <PermissionField />
      </Form.Item>
      <Form.Item name="data" label={t('roles.data')}>
        <DataField hasOwn={false} />
      </Form.Item>
    </FormDrawer>
  );
}

import { Badge, Form, Input, Select, Space, Switch, Tag } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask, type Schemas } from '../../api/client';
import { useMay } from '../../app/session';
import { FormDrawer } from '../../ui/settings/FormDrawer';
import { useDelete } from '../../ui/settings/orders';
import { SettingsList } from '../../ui/settings/SettingsList';
import { ShownOnce } from '../../ui/settings/ShownOnce';
import { askTagged, ifMatch } from '../../ui/settings/tagged';
import { eventOptions } from './eventTypes';
import { WebhookDetail } from './WebhookDetail';
import { pathOf, WEBHOOKS, type Webhook } from './webhook';

type Filled = Required<Omit<Schemas['NewWebhook'], 'secret'>> & { secret?: string };
type Edited = { kind: 'none' } | { kind: 'new' } | { kind: 'changed' | 'shown'; webhook: Webhook };

/** Endpoints that are sent events, with what was delivered and what was given up. */
export function Webhooks() {
  const { t } = useTranslation();
  const may = useMay();
  const erase = useDelete();
  const [edited, setEdited] = useState<Edited>({ kind: 'none' });
  const [secret, setSecret] = useState<string>();
  const close = () => setEdited({ kind: 'none' });
  const mayWrite = may('webhooks.write');
  const remove = (webhook: Webhook) =>
    erase({
      name: webhook.description || webhook.url,
      hint: t('webhooks.deleteHint'),
      remove: () => ask(api.DELETE('/api/v1/webhooks/{id}', pathOf(webhook.id))),
      lists: [WEBHOOKS],
    });
  const actions = (webhook: Webhook) => [
    { label: t('webhooks.detail'), act: () => setEdited({ kind: 'shown', webhook }) },
    ...(mayWrite
      ? [
          { label: t('settings.edit'), act: () => setEdited({ kind: 'changed', webhook }) },
          { label: t('settings.delete'), danger: true, act: () => remove(webhook) },
        ]
      : []),
  ];
  return (
    <div className="page">
      <SettingsList<Webhook>
        name={WEBHOOKS}
        load={(query) => ask(api.GET('/api/v1/webhooks', { params: { query } }))}
        rowKey={({ id }) => id}
        searchIn={({ url, description }) => [url, description]}
        empty={t('webhooks.none')}
        every={5_000}
        columns={[
          { title: t('webhooks.description'), dataIndex: 'description', ellipsis: true },
          { title: t('webhooks.url'), dataIndex: 'url', ellipsis: true },
          { title: t('webhooks.types'), render: (_, { types }) => <Types of={types} /> },
          { title: t('webhooks.state'), render: (_, webhook) => <State of={webhook} /> },
          { title: t('webhooks.lag'), align: 'right', render: (_, { state }) => state.lag },
        ]}
        add={mayWrite ? { label: t('webhooks.add'), act: () => setEdited({ kind: 'new' }) } : undefined}
        actions={actions}
      />
      {edited.kind === 'shown' && <WebhookDetail id={edited.webhook.id} close={close} rotated={setSecret} />}
      {edited.kind === 'new' && <WebhookForm close={close} made={setSecret} />}
      {edited.kind === 'changed' && <WebhookForm webhook={edited.webhook} close={close} made={setSecret} />}
      {secret && <ShownOnce title={t('webhooks.secret')} secret={secret} close={() => setSecret(undefined)} />}
    </div>
  );
}

function Types({ of }: { of: string[] }) {
  const { t } = useTranslation();
  if (of.length === 0) return t('webhooks.allTypes');
  return (
    <Space size={4} wrap>
      {of.slice(0, 3).map((type) => (
        <Tag key={type}>{type}</Tag>
      ))}
      {of.length > 3 && `+${of.length - 3}`}
    </Space>
  );
}

function State({ of: { enabled, state } }: { of: Webhook }) {
  const { t } = useTranslation();
  if (!enabled) return <Badge status="default" text={t('webhooks.disabled')} />;
  if (state.gone_at) return <Badge status="error" text={t('webhooks.gone')} />;
  if (state.failing) return <Badge status="error" text={t('webhooks.failing', { count: state.failing.attempts })} />;
  return <Badge status="success" text={t('webhooks.running')} />;
}

function WebhookForm({
  webhook,
  close,
  made,
}: {
  webhook?: Webhook;
  close: () => void;
  made: (secret: string) => void;
}) {
  const { t } = useTranslation();
  const save = async (values: Filled, etag: string | undefined) => {
    const { secret, ...body } = values;
    if (webhook) {
      await ask(api.PATCH('/api/v1/webhooks/{id}', { ...pathOf(webhook.id), ...ifMatch(etag), body }));
      return undefined;
    }
    const own = secret?.trim();
    const answer = await ask(api.POST('/api/v1/webhooks', { body: { ...body, ...(own ? { secret: own } : {}) } }));
    return answer.secret;
  };
  return (
    <FormDrawer<Filled, Webhook, string | undefined>
      title={webhook ? t('webhooks.edit') : t('webhooks.add')}
      lists={[WEBHOOKS]}
      close={close}
      read={webhook ? () => askTagged(api.GET('/api/v1/webhooks/{id}', pathOf(webhook.id))) : undefined}
      fill={(shown) => shown ?? { types: [], enabled: true, allow_private: false, description: '' }}
      save={save}
      saved={(secret) => secret && made(secret)}
    >
      <Form.Item name="url" label={t('webhooks.url')} rules={[{ required: true, whitespace: true }]}>
        <Input autoFocus placeholder="https://" inputMode="url" />
      </Form.Item>
      <Form.Item name="description" label={t('webhooks.description')} rules={[{ max: 200 }]}>
        <Input />
      </Form.Item>
      <Form.Item name="types" label={t('webhooks.types')} extra={t('webhooks.typesHint')}>
        <Select mode="tags" allowClear placeholder={t('webhooks.allTypes')} options={eventOptions()} />
      </Form.Item>
      {!webhook && (
        <Form.Item name="secret" label={t('webhooks.secret')} extra={t('webhooks.secretHint')}>
          <Input autoComplete="off" placeholder={t('webhooks.secretMade')} />
        </Form.Item>
      )}
      <Form.Item name="enabled" label={t('webhooks.enabled')} valuePropName="checked" extra={t('webhooks.enabledHint')}>
        <Switch />
      </Form.Item>
      <Form.Item
        name="allow_private"
        label={t('webhooks.private')}
        valuePropName="checked"
        extra={t('webhooks.privateHint')}
      >
        <Switch />
      </Form.Item>
    </FormDrawer>
  );
}

import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Alert, App, Button, Descriptions, Drawer, Form, Input, InputNumber, Modal, Space, Tabs, Tag } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask, type Schemas } from '../../api/client';
import { textOf } from '../../api/problem';
import { useMay, useSession } from '../../app/session';
import { moment } from '../../format';
import { DataTable } from '../../ui/DataTable';
import { Answered } from '../../ui/States';
import { useDelete } from '../../ui/settings/orders';
import { Actions } from '../../ui/settings/SettingsList';
import { pathOf, WEBHOOKS, type Webhook } from './webhook';

type Sent = Schemas['SentNow'];

/** How a webhook stands, what was delivered to it, and what was given up. */
export function WebhookDetail({
  id,
  close,
  rotated,
}: {
  id: string;
  close: () => void;
  rotated: (secret: string) => void;
}) {
  const { t } = useTranslation();
  const may = useMay();
  const query = useQuery({
    queryKey: [...WEBHOOKS, id],
    queryFn: () => ask(api.GET('/api/v1/webhooks/{id}', pathOf(id))),
    refetchInterval: 3_000,
  });
  return (
    <Drawer open size={960} title={t('webhooks.detail')} onClose={close}>
      <Answered query={query}>
        {(webhook) => (
          <Space orientation="vertical" size="middle" style={{ width: '100%' }}>
            <Standing of={webhook} />
            {may('webhooks.write') && <Orders of={webhook} rotated={rotated} />}
            <Tabs
              items={[
                { key: 'deliveries', label: t('webhooks.deliveries'), children: <Deliveries id={id} /> },
                { key: 'dead', label: t('webhooks.deadLetters'), children: <DeadLetters id={id} /> },
              ]}
            />
          </Space>
        )}
      </Answered>
    </Drawer>
  );
}

function Standing({ of: { url, state, types, previous_secret_until } }: { of: Webhook }) {
  const { t } = useTranslation();
  const { time_zone: zone } = useSession();
  const { failing, lost, gone_at } = state;
  const told = failing && {
    error: failing.error,
    count: failing.attempts,
    next: moment(failing.next_attempt_at, zone),
  };
  return (
    <Space orientation="vertical" style={{ width: '100%' }}>
      {gone_at && <Alert showIcon type="error" title={t('webhooks.goneSince', { time: moment(gone_at, zone) })} />}
      {told && <Alert showIcon type="error" title={t('webhooks.failingNow', told)} />}
      {lost && <Alert showIcon type="warning" title={t('webhooks.lost', { ...lost, at: moment(lost.at, zone) })} />}
      <Descriptions
        size="small"
        bordered
        column={1}
        items={[
          { key: 'url', label: t('webhooks.url'), children: url },
          { key: 'types', label: t('webhooks.types'), children: types.join(', ') || t('webhooks.allTypes') },
          { key: 'position', label: t('webhooks.position'), children: state.position },
          { key: 'lag', label: t('webhooks.lag'), children: state.lag },
          ...(previous_secret_until
            ? [
                {
                  key: 'secret',
                  label: t('webhooks.oldSecret'),
                  children: t('webhooks.until', { time: moment(previous_secret_until, zone) }),
                },
              ]
            : []),
        ]}
      />
    </Space>
  );
}

/** Says what came back of something that was sent now. */
function useSending(id: string) {
  const { t } = useTranslation();
  const { notification, message } = App.useApp();
  const queries = useQueryClient();
  return async (send: () => Promise<Sent>) => {
    try {
      const { delivered, status, duration_ms: ms, error } = await send();
      const answer = t('webhooks.answered', { status: status ?? '-', ms });
      if (delivered) notification.success({ title: t('webhooks.delivered'), description: answer });
      else notification.error({ title: t('webhooks.notDelivered'), description: error ?? answer });
    } catch (error) {
      void message.error(textOf(error));
    }
    void queries.invalidateQueries({ queryKey: [...WEBHOOKS, id] });
  };
}

function Orders({ of: { id, state }, rotated }: { of: Webhook; rotated: (secret: string) => void }) {
  const { t } = useTranslation();
  const send = useSending(id);
  const [asked, setAsked] = useState<'rotate' | 'replay'>();
  const [isBusy, setIsBusy] = useState(false);
  const test = async () => {
    setIsBusy(true);
    await send(() => ask(api.POST('/api/v1/webhooks/{id}/test', pathOf(id))));
    setIsBusy(false);
  };
  return (
    <Space wrap>
      <Button type="primary" loading={isBusy} onClick={() => void test()}>
        {t('webhooks.test')}
      </Button>
      <Button onClick={() => setAsked('rotate')}>{t('webhooks.rotate')}</Button>
      <Button onClick={() => setAsked('replay')}>{t('webhooks.replay')}</Button>
      {asked === 'rotate' && <Rotate id={id} close={() => setAsked(undefined)} rotated={rotated} />}
      {asked === 'replay' && <Replay id={id} position={state.position} close={() => setAsked(undefined)} />}
    </Space>
  );
}

function Rotate({ id, close, rotated }: { id: string; close: () => void; rotated: (secret: string) => void }) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const queries = useQueryClient();
  const [form] = Form.useForm<{ hours: number }>();
  const rotate = async ({ hours }: { hours: number }) => {
    const body = { overlap_s: Math.round(hours * 3600) };
    try {
      const { secret } = await ask(api.POST('/api/v1/webhooks/{id}/rotate-secret', { ...pathOf(id), body }));
      void queries.invalidateQueries({ queryKey: WEBHOOKS });
      close();
      rotated(secret);
    } catch (error) {
      void message.error(textOf(error));
    }
  };
  return (
    <Modal
      open
      title={t('webhooks.rotate')}
      okText={t('common.ok')}
      cancelText={t('common.cancel')}
      onCancel={close}
      onOk={() => form.submit()}
    >
      <Form form={form} layout="vertical" initialValues={{ hours: 24 }} onFinish={rotate}>
        <Form.Item
          name="hours"
          label={t('webhooks.overlap')}
          rules={[{ required: true }]}
          extra={t('webhooks.rotateHint')}
        >
          <InputNumber min={0} max={168} style={{ width: '100%' }} />
        </Form.Item>
      </Form>
    </Modal>
  );
}

function Replay({ id, position, close }: { id: string; position: string; close: () => void }) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const queries = useQueryClient();
  const [form] = Form.useForm<{ after: string }>();
  const replay = async ({ after }: { after: string }) => {
    try {
      await ask(api.POST('/api/v1/webhooks/{id}/replay', { ...pathOf(id), body: { after: after.trim() } }));
      void message.success(t('webhooks.replayed'));
      void queries.invalidateQueries({ queryKey: WEBHOOKS });
      close();
    } catch (error) {
      form.setFields([{ name: 'after', errors: [textOf(error)] }]);
    }
  };
  const tenant = position.slice(0, position.indexOf('.'));
  return (
    <Modal
      open
      title={t('webhooks.replay')}
      okText={t('common.ok')}
      cancelText={t('common.cancel')}
      onCancel={close}
      onOk={() => form.submit()}
    >
      <Form form={form} layout="vertical" initialValues={{ after: position }} onFinish={replay}>
        <Form.Item
          name="after"
          label={t('webhooks.after')}
          rules={[{ required: true, whitespace: true }]}
          extra={t('webhooks.replayHint', { first: `${tenant}.0.0` })}
        >
          <Input autoComplete="off" />
        </Form.Item>
      </Form>
    </Modal>
  );
}

const OUTCOMES: Record<Schemas['DeliveryOutcome'], string> = {
  delivered: 'success',
  failed: 'warning',
  dead: 'error',
  gone: 'error',
};

function Deliveries({ id }: { id: string }) {
  const { t } = useTranslation();
  const { time_zone: zone } = useSession();
  return (
    <DataTable<Schemas['DeliveryShown']>
      name={[...WEBHOOKS, id, 'deliveries']}
      load={(query) => ask(api.GET('/api/v1/webhooks/{id}/deliveries', { params: { path: { id }, query } }))}
      rowKey={(delivery) => delivery.id}
      columns={[
        { title: t('webhooks.at'), render: (_, { at }) => moment(at, zone) },
        { title: t('webhooks.type'), dataIndex: 'type' },
        { title: t('webhooks.event'), dataIndex: 'event' },
        {
          title: t('webhooks.outcome'),
          render: (_, { outcome }) => <Tag color={OUTCOMES[outcome]}>{t(`webhooks.outcomes.${outcome}`)}</Tag>,
        },
        { title: t('webhooks.status'), dataIndex: 'status' },
        { title: t('webhooks.attempt'), dataIndex: 'attempt' },
        { title: t('webhooks.took'), align: 'right', dataIndex: 'duration_ms' },
        { title: t('webhooks.error'), dataIndex: 'error' },
      ]}
    />
  );
}

type Letter = Schemas['DeadLetterShown'];

function DeadLetters({ id }: { id: string }) {
  const { t } = useTranslation();
  const { time_zone: zone } = useSession();
  const may = useMay();
  const send = useSending(id);
  const erase = useDelete();
  const one = ({ event }: Letter) => ({ params: { path: { id, event } } });
  const actions = (letter: Letter) => [
    {
      label: t('webhooks.retry'),
      act: () => void send(() => ask(api.POST('/api/v1/webhooks/{id}/dead-letters/{event}/retry', one(letter)))),
    },
    {
      label: t('settings.delete'),
      danger: true,
      act: () =>
        erase({
          name: letter.event,
          remove: () => ask(api.DELETE('/api/v1/webhooks/{id}/dead-letters/{event}', one(letter))),
          lists: [[...WEBHOOKS, id]],
        }),
    },
  ];
  return (
    <DataTable<Letter>
      name={[...WEBHOOKS, id, 'dead']}
      load={(query) => ask(api.GET('/api/v1/webhooks/{id}/dead-letters', { params: { path: { id }, query } }))}
      rowKey={({ event }) => event}
      columns={[
        { title: t('webhooks.deadAt'), render: (_, { dead_at }) => moment(dead_at, zone) },
        { title: t('webhooks.type'), dataIndex: 'type' },
        { title: t('webhooks.event'), dataIndex: 'event' },
        { title: t('webhooks.attempts'), dataIndex: 'attempts' },
        { title: t('webhooks.status'), dataIndex: 'status' },
        { title: t('webhooks.error'), dataIndex: 'error' },
        ...(may('webhooks.write')
          ? [
              {
                title: t('common.operation'),
                fixed: 'right' as const,
                render: (_: unknown, letter: Letter) => <Actions of={actions(letter)} />,
              },
            ]
          : []),
      ]}
    />
  );
}

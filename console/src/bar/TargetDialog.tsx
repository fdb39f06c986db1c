import { Badge, Button, Form, Input, Modal, Table, Tabs, Tag } from 'antd';
import { useTranslation } from 'react-i18next';
import { useNow } from '../desk/clock';
import type { Colleague } from '../desk/model';
import { forCall } from '../desk/orders';
import { cleanNumber } from '../desk/phases';
import { useDesk } from '../desk/store';
import { duration } from '../format';
import { Nothing } from '../ui/States';
import { useQueueRules } from './queues';
import { useOrder } from './useOrder';

export type Targeting = 'transfer' | 'consult' | 'threeWay';

/** Whom to hand on to, ask or join (CALL-15, CALL-17, CALL-21): an agent with his live state, a queue, or a number. */
export function TargetDialog({ kind, call, close }: { kind: Targeting; call: string; close: () => void }) {
  const { t } = useTranslation();
  const { isBusy, run } = useOrder();
  const order = (to: string) => run(() => forCall[kind](call, to), close);
  const title = {
    transfer: t('target.transferTitle'),
    consult: t('target.consultTitle'),
    threeWay: t('target.threeWayTitle'),
  };
  const tabs = [
    {
      key: 'agents',
      label: t('target.agents'),
      children: <Agents choose={order} isBusy={isBusy} action={title[kind]} />,
    },
    {
      key: 'queues',
      label: t('target.queues'),
      children: <Queues choose={order} isBusy={isBusy} action={title[kind]} />,
    },
    {
      key: 'number',
      label: t('target.number'),
      children: <Typed choose={order} isBusy={isBusy} action={title[kind]} />,
    },
  ];
  return (
    <Modal open title={title[kind]} footer={null} onCancel={close} width={520}>
      <Tabs items={kind === 'threeWay' ? tabs.filter(({ key }) => key !== 'queues') : tabs} />
    </Modal>
  );
}

interface Choosing {
  choose: (to: string) => void;
  isBusy: boolean;
  action: string;
}

const COLOURS: Record<string, 'success' | 'processing' | 'error' | 'warning' | 'default'> = {
  idle: 'success',
  ringing: 'processing',
  connected: 'processing',
  not_ready: 'error',
  on_break: 'warning',
  wrap_up: 'warning',
};

function Agents({ choose, isBusy, action }: Choosing) {
  const { t } = useTranslation();
  const now = useNow();
  const colleagues = useDesk(({ desk }) => desk?.colleagues) ?? [];
  const online = colleagues.filter((one) => one.extension && one.word !== 'offline');
  const rank = (one: Colleague) => (one.word === 'idle' ? 0 : 1);
  if (online.length === 0) return <Nothing text={t('target.noAgents')} />;
  return (
    <Table<Colleague>
      size="small"
      showHeader={false}
      pagination={false}
      scroll={{ y: 320 }}
      rowKey={({ agent }) => agent}
      dataSource={[...online].sort((one, other) => rank(one) - rank(other))}
      columns={[
        { key: 'agent', render: (_, { agent }) => agent },
        { key: 'extension', render: (_, { extension }) => <Tag>{`${t('target.extension')} ${extension}`}</Tag> },
        {
          key: 'word',
          render: (_, { word, since }) => (
            <Badge
              status={COLOURS[word] ?? 'default'}
              text={`${t(`word.${word as 'idle'}`)} ${duration(now - Date.parse(since))}`}
            />
          ),
        },
        {
          key: 'choose',
          align: 'right',
          render: (_, { word, extension }) => (
            <Button
              size="small"
              type="primary"
              disabled={word !== 'idle' || isBusy}
              title={word === 'idle' ? undefined : t('target.onlyIdle')}
              onClick={() => choose(extension ?? '')}
            >
              {action}
            </Button>
          ),
        },
      ]}
    />
  );
}

function Queues({ choose, isBusy, action }: Choosing) {
  const { t } = useTranslation();
  const live = useDesk(({ desk }) => desk?.queues) ?? [];
  const queues = useQueueRules().filter((queue) => queue.number);
  if (queues.length === 0) return <Nothing text={t('target.noQueues')} />;
  return (
    <Table
      size="small"
      showHeader={false}
      pagination={false}
      scroll={{ y: 320 }}
      rowKey={({ name }) => name}
      dataSource={queues}
      columns={[
        { key: 'name', render: (_, { name }) => name },
        { key: 'number', render: (_, { number }) => <Tag>{number}</Tag> },
        {
          key: 'now',
          render: (_, { name }) => {
            const now = live.find((one) => one.queue === name);
            return now && t('target.waiting', { waiting: now.waiting, idle: now.idle });
          },
        },
        {
          key: 'choose',
          align: 'right',
          render: (_, { number }) => (
            <Button size="small" type="primary" disabled={isBusy} onClick={() => choose(number ?? '')}>
              {action}
            </Button>
          ),
        },
      ]}
    />
  );
}

function Typed({ choose, isBusy, action }: Choosing) {
  const { t } = useTranslation();
  return (
    <Form layout="inline" onFinish={({ number }: { number: string }) => choose(cleanNumber(number) ?? number)}>
      <Form.Item
        name="number"
        style={{ flex: 1 }}
        rules={[
          { required: true, message: t('target.numberRequired') },
          {
            validator: async (_, text?: string) => {
              if (text && cleanNumber(text) === undefined) throw new Error(t('dial.badNumber'));
            },
          },
        ]}
      >
        <Input aria-label={t('target.number')} placeholder={t('bar.numberHint')} inputMode="tel" autoComplete="off" />
      </Form.Item>
      <Button type="primary" htmlType="submit" loading={isBusy}>
        {action}
      </Button>
    </Form>
  );
}

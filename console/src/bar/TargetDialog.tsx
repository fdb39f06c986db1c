import { useQuery } from '@tanstack/react-query';
import { Badge, Button, Form, Input, Modal, Table, Tabs, Tag } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask } from '../api/client';
import { useMay } from '../app/session';
import { useNow } from '../desk/clock';
import type { Colleague } from '../desk/model';
import { forCall } from '../desk/orders';
import { cleanNumber } from '../desk/phases';
import { isSought } from '../desk/search';
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
    <Modal open title={title[kind]} footer={null} onCancel={close} width={560}>
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

/** The colleagues with what they are called, found by what was typed. */
function useFound(typed: string): (Colleague & { name: string })[] {
  const may = useMay();
  const colleagues = useDesk(({ desk }) => desk?.colleagues) ?? [];
  const { data: named } = useQuery({
    queryKey: ['colleague-names'],
    queryFn: async () => {
      const { syllablesOf } = await import('../desk/pinyin');
      const { items } = await ask(api.GET('/api/v1/desk/colleagues'));
      return new Map(items.map(({ agent, name }) => [agent, { name, syllables: syllablesOf(name) }]));
    },
    enabled: may('agents.read'),
  });
  return colleagues.flatMap((one) => {
    const { name = '', syllables = [] } = named?.get(one.agent) ?? {};
    const sought = { agent: one.agent, extension: one.extension ?? '', name, syllables };
    return one.extension && one.word !== 'offline' && isSought(typed, sought) ? [{ ...one, name }] : [];
  });
}

function Agents({ choose, isBusy, action }: Choosing) {
  const { t } = useTranslation();
  const now = useNow();
  const [typed, setTyped] = useState('');
  const found = useFound(typed);
  const rank = (one: Colleague) => (one.word === 'idle' ? 0 : 1);
  return (
    <>
      <Input.Search
        autoFocus
        allowClear
        aria-label={t('target.search')}
        placeholder={t('target.searchHint')}
        style={{ marginBottom: 8 }}
        onChange={({ target }) => setTyped(target.value)}
      />
      {found.length === 0 ? (
        <Nothing text={t(typed ? 'target.noMatch' : 'target.noAgents')} />
      ) : (
        <Table<Colleague & { name: string }>
          size="small"
          showHeader={false}
          pagination={false}
          scroll={{ y: 320 }}
          rowKey={({ agent }) => agent}
          dataSource={[...found].sort((one, other) => rank(one) - rank(other))}
          columns={[
            { key: 'agent', render: (_, { agent, name }) => [name, agent].filter(Boolean).join(' ') },
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
      )}
    </>
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

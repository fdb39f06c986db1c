import { Badge, Space, Tag } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask, type Schemas } from '../../api/client';
import { useMay } from '../../app/session';
import '../../i18n/telephonyProblems';
import { useDelete } from '../../ui/settings/orders';
import { SettingsList } from '../../ui/settings/SettingsList';
import { Callbacks } from './Callbacks';
import { QueueForm } from './QueueForm';
import { Staffing } from './Staffing';

type Queue = Schemas['QueueShown'];
type Shown = { kind: 'none' } | { kind: 'new' } | { kind: 'changed' | 'callbacks' | 'staffing'; name: string };

const LIVE_MS = 10_000;
export const QUEUE_LISTS = [['queues'], ['names', 'queues'], ['queue-members']];

/** Skill groups (QUEUE-05). */
export function Queues() {
  const { t } = useTranslation();
  const may = useMay();
  const erase = useDelete();
  const [shown, setShown] = useState<Shown>({ kind: 'none' });
  const close = () => setShown({ kind: 'none' });
  const canWrite = may('queues.write');
  return (
    <div className="page">
      <SettingsList<Queue>
        name={['queues']}
        load={(query) => ask(api.GET('/api/v1/queues', { params: { query } }))}
        rowKey={({ name }) => name}
        searchIn={({ name, number, members }) => [name, number, ...(members ?? []).map(({ agent }) => agent)]}
        every={LIVE_MS}
        add={canWrite ? { label: t('queueSet.add'), act: () => setShown({ kind: 'new' }) } : undefined}
        columns={[
          { title: t('queueSet.name'), dataIndex: 'name' },
          { title: t('queueSet.number'), dataIndex: 'number' },
          { title: t('queueSet.strategy'), render: (_, { strategy }) => strategy && t(`strategy.${strategy}`) },
          { title: t('queueSet.members'), render: (_, { members }) => members?.length ?? 0 },
          {
            title: t('queueSet.now'),
            render: (_, { now }) => (
              <Badge
                status={now.idle > 0 ? 'success' : now.signed_in > 0 ? 'processing' : 'default'}
                text={t('queueSet.standing', { waiting: now.waiting, idle: now.idle, signedIn: now.signed_in })}
              />
            ),
          },
          {
            title: t('queueSet.max_wait_s'),
            render: (_, { max_wait_s }) => (max_wait_s ? `${max_wait_s} s` : t('tel.endless')),
          },
          {
            title: t('queueSet.overflow'),
            render: (_, { overflow }) => (
              <Space size={4}>
                {overflow?.map((step) => (
                  <Tag key={step}>{step}</Tag>
                ))}
              </Space>
            ),
          },
        ]}
        actions={({ name, read_only, now }) => [
          {
            label: t(read_only || !canWrite ? 'tel.see' : 'settings.edit'),
            act: () => setShown({ kind: 'changed', name }),
          },
          { label: t('staffing.action'), act: () => setShown({ kind: 'staffing', name }) },
          {
            label: t('queueSet.callbacks', { count: now.callbacks.length }),
            disabled: now.callbacks.length === 0,
            act: () => setShown({ kind: 'callbacks', name }),
          },
          ...(canWrite && !read_only
            ? [
                {
                  label: t('settings.delete'),
                  danger: true,
                  act: () =>
                    erase({
                      name,
                      remove: () => ask(api.DELETE('/api/v1/queues/{name}', { params: { path: { name } } })),
                      lists: QUEUE_LISTS,
                    }),
                },
              ]
            : []),
        ]}
      />
      {(shown.kind === 'new' || shown.kind === 'changed') && (
        <QueueForm name={shown.kind === 'changed' ? shown.name : undefined} close={close} />
      )}
      {shown.kind === 'staffing' && <Staffing name={shown.name} close={close} />}
      {shown.kind === 'callbacks' && <Callbacks name={shown.name} close={close} />}
    </div>
  );
}

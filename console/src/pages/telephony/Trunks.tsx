import { useQuery } from '@tanstack/react-query';
import { Badge, Tooltip } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask, type Schemas } from '../../api/client';
import { useMay } from '../../app/session';
import '../../i18n/telephonyProblems';
import { useDelete } from '../../ui/settings/orders';
import { SettingsList } from '../../ui/settings/SettingsList';
import { TrunkForm } from './TrunkForm';
import { TrunkState } from './TrunkState';

type Trunk = Schemas['TrunkShown'];
type Shown = { kind: 'none' } | { kind: 'new' } | { kind: 'changed' | 'state'; name: string };

const LIVE_MS = 5_000;
export const TRUNK_LISTS = [['trunks'], ['names', 'trunks'], ['trunk-status']];
export const STATE_BADGES = { up: 'success', down: 'error', unknown: 'default', disabled: 'default' } as const;

/** The lines of carriers, and how they stand (QUEUE-08). */
export function Trunks() {
  const { t } = useTranslation();
  const may = useMay();
  const erase = useDelete();
  const [shown, setShown] = useState<Shown>({ kind: 'none' });
  const close = () => setShown({ kind: 'none' });
  const canWrite = may('trunks.write');
  return (
    <div className="page">
      <SettingsList<Trunk>
        name={['trunks']}
        load={(query) => ask(api.GET('/api/v1/trunks', { params: { query } }))}
        rowKey={({ name }) => name}
        searchIn={({ name, host, caller_number }) => [name, host, caller_number]}
        empty={t('trunk.none')}
        add={canWrite ? { label: t('trunk.add'), act: () => setShown({ kind: 'new' }) } : undefined}
        columns={[
          { title: t('trunk.name'), dataIndex: 'name' },
          { title: t('trunk.state'), render: (_, { name }) => <Live name={name} /> },
          {
            title: t('trunk.host'),
            render: (_, { host, port, transport }) => `${host}${port ? `:${port}` : ''} ${transport.toUpperCase()}`,
          },
          { title: t('trunk.user'), dataIndex: 'username' },
          { title: t('trunk.callerNumber'), dataIndex: 'caller_number' },
          { title: t('trunk.calls'), render: (_, { name }) => <Calls name={name} /> },
        ]}
        actions={({ name, read_only }) => [
          { label: t('trunk.test'), act: () => setShown({ kind: 'state', name }) },
          {
            label: t(read_only || !canWrite ? 'tel.see' : 'settings.edit'),
            act: () => setShown({ kind: 'changed', name }),
          },
          ...(canWrite && !read_only
            ? [
                {
                  label: t('settings.delete'),
                  danger: true,
                  act: () =>
                    erase({
                      name,
                      remove: () => ask(api.DELETE('/api/v1/trunks/{name}', { params: { path: { name } } })),
                      lists: TRUNK_LISTS,
                    }),
                },
              ]
            : []),
        ]}
      />
      {(shown.kind === 'new' || shown.kind === 'changed') && (
        <TrunkForm name={shown.kind === 'changed' ? shown.name : undefined} close={close} />
      )}
      {shown.kind === 'state' && <TrunkState name={shown.name} close={close} />}
    </div>
  );
}

export function useTrunkStatus(name: string) {
  return useQuery({
    queryKey: ['trunk-status', name],
    queryFn: () => ask(api.GET('/api/v1/trunks/{name}/status', { params: { path: { name } } })),
    refetchInterval: LIVE_MS,
  });
}

function Live({ name }: { name: string }) {
  const { t } = useTranslation();
  const { data } = useTrunkStatus(name);
  if (!data) return null;
  return (
    <Tooltip title={data.reason}>
      <span>
        <Badge status={STATE_BADGES[data.state]} text={t(`trunkState.${data.state}`)} />
      </span>
    </Tooltip>
  );
}

function Calls({ name }: { name: string }) {
  const { t } = useTranslation();
  const { data } = useTrunkStatus(name);
  return data ? t('trunk.live', { inbound: data.inbound.live, outbound: data.outbound.live }) : null;
}

import { Form, Input, Segmented, Tag } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask, type Schemas } from '../../api/client';
import { useMay, useSession } from '../../app/session';
import { moment } from '../../format';
import { NumberLink } from '../../ui/NumberLink';
import { FormDrawer } from '../../ui/settings/FormDrawer';
import { useDelete } from '../../ui/settings/orders';
import { SettingsList } from '../../ui/settings/SettingsList';
import { askTagged, ifMatch } from '../../ui/settings/tagged';
import { Line, Num, named, Pick } from '../../ui/telephony/fields';
import { useThings } from '../../ui/telephony/useThings';
import { filled } from '../../ui/telephony/values';

type Caller = Schemas['CallerShown'];
type Rule = Schemas['CallerRule'];
type Edited = { kind: 'none' } | { kind: 'new' } | { kind: 'changed'; id: string };

const LISTS = [['callers']];
const KINDS = ['exact', 'prefix'] as const;

/** Callers who go before others, and whose agent is rung first (IVR-05). */
export function KnownCallers() {
  const { t } = useTranslation();
  const { time_zone: zone } = useSession();
  const may = useMay();
  const erase = useDelete();
  const [edited, setEdited] = useState<Edited>({ kind: 'none' });
  const canWrite = may('callers.write');
  return (
    <div className="page">
      <SettingsList<Caller>
        name={['callers']}
        load={(query) => ask(api.GET('/api/v1/callers', { params: { query } }))}
        rowKey={({ id }) => id}
        searchIn={({ number, owner, note }) => [number, owner, note]}
        empty={t('known.none')}
        add={canWrite ? { label: t('known.add'), act: () => setEdited({ kind: 'new' }) } : undefined}
        columns={[
          {
            title: t('known.number'),
            render: (_, { number, kind }) => (kind === 'prefix' ? `${number}…` : <NumberLink number={number} />),
          },
          { title: t('known.kind'), render: (_, { kind }) => kind && t(`knownKind.${kind}`) },
          {
            title: t('known.priority'),
            render: (_, { priority }) => <Tag color={priority ? 'gold' : 'default'}>{priority ?? 0}</Tag>,
          },
          { title: t('known.owner'), dataIndex: 'owner' },
          { title: t('known.note'), dataIndex: 'note' },
          { title: t('tel.changedAt'), render: (_, { updated_at }) => moment(updated_at, zone) },
        ]}
        actions={({ id, number, read_only }) => [
          {
            label: t(read_only || !canWrite ? 'tel.see' : 'settings.edit'),
            act: () => setEdited({ kind: 'changed', id }),
          },
          ...(canWrite && !read_only
            ? [
                {
                  label: t('settings.delete'),
                  danger: true,
                  act: () =>
                    erase({
                      name: number,
                      remove: () => ask(api.DELETE('/api/v1/callers/{id}', { params: { path: { id } } })),
                      lists: LISTS,
                    }),
                },
              ]
            : []),
        ]}
      />
      {edited.kind !== 'none' && (
        <Edit id={edited.kind === 'changed' ? edited.id : undefined} close={() => setEdited({ kind: 'none' })} />
      )}
    </div>
  );
}

function Edit({ id, close }: { id: string | undefined; close: () => void }) {
  const { t } = useTranslation();
  const may = useMay();
  const { agents } = useThings();
  const path = { params: { path: { id: id ?? '' } } };
  return (
    <FormDrawer<Rule, Caller>
      title={t(id ? 'known.edit' : 'known.add')}
      lists={LISTS}
      identity="number"
      close={close}
      read={id ? () => askTagged(api.GET('/api/v1/callers/{id}', path)) : undefined}
      locked={(caller) =>
        caller?.read_only
          ? t('settings.provisioned')
          : caller && !may('callers.write')
            ? t('problem.forbidden')
            : undefined
      }
      fill={(caller) => caller ?? { kind: 'exact', priority: 5 }}
      save={(rule, etag) => {
        const body = filled(rule);
        return id
          ? ask(api.PUT('/api/v1/callers/{id}', { ...ifMatch(etag), ...path, body }))
          : ask(api.POST('/api/v1/callers', { body }));
      }}
    >
      <Line required name="number" label={t('known.number')} placeholder="13800138000" />
      <Form.Item name="kind" label={t('known.kind')}>
        <Segmented options={KINDS.map((value) => ({ value, label: t(`knownKind.${value}`) }))} />
      </Form.Item>
      <Num name="priority" label={t('known.priority')} min={0} max={9} hint={t('flow.priorityHint')} />
      <Pick clearable name="owner" label={t('known.owner')} hint={t('known.ownerHint')} options={named(agents)} />
      <Form.Item name="note" label={t('known.note')}>
        <Input.TextArea autoSize maxLength={200} />
      </Form.Item>
    </FormDrawer>
  );
}

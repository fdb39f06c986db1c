import { useQuery } from '@tanstack/react-query';
import { Badge, Form, Tag } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask, type Schemas } from '../../api/client';
import { useMay } from '../../app/session';
import '../../i18n/telephonyProblems';
import { FormDrawer } from '../../ui/settings/FormDrawer';
import { useDelete } from '../../ui/settings/orders';
import { readAll, SettingsList } from '../../ui/settings/SettingsList';
import { askTagged, ifMatch } from '../../ui/settings/tagged';
import { Line, Num, Section, Toggle } from '../../ui/telephony/fields';
import { filled, tidy } from '../../ui/telephony/values';
import { Conference } from './Conference';

type Room = Schemas['RoomShown'];
type NewRoom = Schemas['NewRoom'];
interface Values extends NewRoom {
  has_pin?: boolean;
  has_moderator_pin?: boolean;
}
type Shown = { kind: 'none' } | { kind: 'new' } | { kind: 'changed' | 'live'; number: string };

const LIVE_MS = 3_000;
const LISTS = [['rooms'], ['names', 'rooms']];

/** The conferences that run, by room. */
export function useConferences() {
  const may = useMay();
  return useQuery({
    queryKey: ['conferences'],
    queryFn: async () => (await readAll((query) => ask(api.GET('/api/v1/conferences', { params: { query } })))).rows,
    enabled: may('conferences.read'),
    refetchInterval: LIVE_MS,
  });
}

/** Conference rooms, and who is in them now. */
export function Rooms() {
  const { t } = useTranslation();
  const may = useMay();
  const erase = useDelete();
  const [shown, setShown] = useState<Shown>({ kind: 'none' });
  const close = () => setShown({ kind: 'none' });
  const { data: live } = useConferences();
  const canWrite = may('rooms.write');
  return (
    <div className="page">
      <SettingsList<Room>
        name={['rooms']}
        load={(query) => ask(api.GET('/api/v1/rooms', { params: { query } }))}
        rowKey={({ number }) => number}
        searchIn={({ number, name }) => [number, name]}
        add={canWrite ? { label: t('room.add'), act: () => setShown({ kind: 'new' }) } : undefined}
        columns={[
          { title: t('room.number'), dataIndex: 'number' },
          { title: t('room.name'), dataIndex: 'name' },
          {
            title: t('room.now'),
            render: (_, { number, members_max }) => {
              const members = live?.find(({ room }) => room === number)?.members.length ?? 0;
              return <Badge status={members ? 'success' : 'default'} text={`${members} / ${members_max}`} />;
            },
          },
          {
            title: t('room.entry'),
            render: (_, { has_pin, has_moderator_pin, locked }) => (
              <>
                {has_pin && <Tag>{t('room.pin')}</Tag>}
                {has_moderator_pin && <Tag>{t('room.moderatorPin')}</Tag>}
                {locked && <Tag color="error">{t('room.locked')}</Tag>}
                {!has_pin && !locked && t('room.free')}
              </>
            ),
          },
          { title: t('room.record'), render: (_, { record }) => t(record ? 'common.yes' : 'common.no') },
        ]}
        actions={({ number, read_only }) => [
          { label: t('room.live'), disabled: !may('conferences.read'), act: () => setShown({ kind: 'live', number }) },
          {
            label: t(read_only || !canWrite ? 'tel.see' : 'settings.edit'),
            act: () => setShown({ kind: 'changed', number }),
          },
          ...(canWrite && !read_only
            ? [
                {
                  label: t('settings.delete'),
                  danger: true,
                  act: () =>
                    erase({
                      name: number,
                      remove: () => ask(api.DELETE('/api/v1/rooms/{number}', { params: { path: { number } } })),
                      lists: LISTS,
                    }),
                },
              ]
            : []),
        ]}
      />
      {(shown.kind === 'new' || shown.kind === 'changed') && (
        <Edit number={shown.kind === 'changed' ? shown.number : undefined} close={close} />
      )}
      {shown.kind === 'live' && (
        <Conference number={shown.number} conference={live?.find(({ room }) => room === shown.number)} close={close} />
      )}
    </div>
  );
}

function Edit({ number, close }: { number: string | undefined; close: () => void }) {
  const { t } = useTranslation();
  const may = useMay();
  const path = { params: { path: { number: number ?? '' } } };
  return (
    <FormDrawer<Values, Room>
      size={640}
      title={number ? t('room.edit', { number }) : t('room.add')}
      lists={LISTS}
      identity="number"
      close={close}
      read={number ? () => askTagged(api.GET('/api/v1/rooms/{number}', path)) : undefined}
      locked={(room) =>
        room?.read_only ? t('settings.provisioned') : room && !may('rooms.write') ? t('problem.forbidden') : undefined
      }
      fill={(room) => (room ?? { members_max: 100, announce: true, music_alone: true }) as Partial<Values>}
      save={({ number: chosen, ...values }, etag) =>
        number
          ? ask(api.PATCH('/api/v1/rooms/{number}', { ...ifMatch(etag), ...path, body: changed(values) }))
          : ask(api.POST('/api/v1/rooms', { body: filled({ number: chosen, ...plain(values) }) as Schemas['NewRoom'] }))
      }
    >
      <Section title={t('tel.basic')}>
        {number ? (
          <Form.Item label={t('room.number')}>{number}</Form.Item>
        ) : (
          <Line required name="number" label={t('room.number')} hint={t('ext.numberHint')} />
        )}
        <Line name="name" label={t('room.name')} />
        <Num name="members_max" label={t('room.most')} min={1} max={100} />
        <Toggle name="record" label={t('room.record')} />
      </Section>
      <Section title={t('room.entry')}>
        {number && <Toggle name="has_pin" label={t('room.asksPin')} />}
        <Line name="pin" label={t('room.pin')} hint={t(number ? 'room.pinKept' : 'room.pinHint')} />
        {number && <Toggle name="has_moderator_pin" label={t('room.asksModeratorPin')} />}
        <Line name="moderator_pin" label={t('room.moderatorPin')} hint={t(number ? 'room.pinKept' : 'room.pinHint')} />
        <Toggle name="locked" label={t('room.beginsLocked')} hint={t('room.lockedHint')} />
      </Section>
      <Section title={t('room.heard')}>
        <Toggle name="announce" label={t('room.announce')} />
        <Toggle name="music_alone" label={t('room.musicAlone')} />
      </Section>
    </FormDrawer>
  );
}

function plain({ has_pin: _, has_moderator_pin: __, ...values }: Omit<Values, 'number'>) {
  return values;
}

/** A PIN is not shown: it stays where none is typed, and goes where it shall not be asked for. */
function changed({ has_pin, has_moderator_pin, pin, moderator_pin, ...values }: Omit<Values, 'number'>) {
  const pins = {
    ...(has_pin === false ? { pin: null } : pin ? { pin } : {}),
    ...(has_moderator_pin === false ? { moderator_pin: null } : moderator_pin ? { moderator_pin } : {}),
  };
  return { ...tidy(values), ...pins } as Schemas['RoomChange'];
}

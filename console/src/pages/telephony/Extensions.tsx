import { useQuery } from '@tanstack/react-query';
import { Badge, Descriptions, Drawer, Form, Space, Tag } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask, type Schemas } from '../../api/client';
import { useMay, useSession } from '../../app/session';
import { moment } from '../../format';
import { Nothing } from '../../ui/States';
import { FormDrawer } from '../../ui/settings/FormDrawer';
import { useDelete } from '../../ui/settings/orders';
import { readAll, SettingsList } from '../../ui/settings/SettingsList';
import { askTagged, ifMatch } from '../../ui/settings/tagged';
import { Line, Pick, PromptField, Seconds, Section, Toggle } from '../../ui/telephony/fields';
import { useThings } from '../../ui/telephony/useThings';
import { filled, tidy } from '../../ui/telephony/values';
import { type Account, Provisioning } from './Provisioning';

type Extension = Schemas['ExtensionShown'];
type Values = Schemas['NewExtension'];
type Registration = Schemas['RegistrationShown'];
type Shown = { kind: 'none' } | { kind: 'new' } | { kind: 'changed' | 'password' | 'phones'; number: string };

/** How often it is asked which phones are there, ms. */
const LIVE_MS = 5_000;
const WAYS = ['both', 'web', 'desk'] as const;
const LISTS = [['extensions'], ['names', 'extensions']];

/** Extensions with what becomes of their calls, and the phones registered on them (PHONE-05, QUEUE-08). */
export function Extensions() {
  const { t } = useTranslation();
  const may = useMay();
  const erase = useDelete();
  const [shown, setShown] = useState<Shown>({ kind: 'none' });
  const [account, setAccount] = useState<Account>();
  const close = () => setShown({ kind: 'none' });
  const live = useRegistrations();
  const canWrite = may('extensions.write');
  return (
    <div className="page">
      <SettingsList<Extension>
        name={['extensions']}
        load={(query) => ask(api.GET('/api/v1/extensions', { params: { query } }))}
        rowKey={({ number }) => number}
        searchIn={({ number, display_name, pickup_group }) => [number, display_name, pickup_group]}
        add={canWrite ? { label: t('ext.add'), act: () => setShown({ kind: 'new' }) } : undefined}
        columns={[
          { title: t('ext.number'), dataIndex: 'number' },
          { title: t('ext.name'), dataIndex: 'display_name' },
          { title: t('ext.ways'), render: (_, { ways }) => t(`ways.${ways}`) },
          {
            title: t('ext.phones'),
            render: (_, { number, contact }) => <Phones count={live?.get(number)?.length} isFixed={Boolean(contact)} />,
          },
          { title: t('ext.handling'), render: (_, extension) => <Handling extension={extension} /> },
          {
            title: t('tel.enabled'),
            render: (_, { enabled }) => (
              <Tag color={enabled ? 'success' : 'default'}>{t(enabled ? 'common.yes' : 'common.no')}</Tag>
            ),
          },
        ]}
        actions={({ number, read_only }) => [
          {
            label: t(read_only || !canWrite ? 'tel.see' : 'settings.edit'),
            act: () => setShown({ kind: 'changed', number }),
          },
          ...(may('registrations.read')
            ? [{ label: t('ext.phones'), act: () => setShown({ kind: 'phones', number }) }]
            : []),
          ...(canWrite && !read_only
            ? [
                { label: t('ext.newPassword'), act: () => setShown({ kind: 'password', number }) },
                {
                  label: t('settings.delete'),
                  danger: true,
                  act: () =>
                    erase({
                      name: number,
                      remove: () => ask(api.DELETE('/api/v1/extensions/{number}', { params: { path: { number } } })),
                      lists: LISTS,
                    }),
                },
              ]
            : []),
        ]}
      />
      {(shown.kind === 'new' || shown.kind === 'changed') && (
        <Edit number={shown.kind === 'changed' ? shown.number : undefined} close={close} made={setAccount} />
      )}
      {shown.kind === 'password' && <Renew number={shown.number} close={close} made={setAccount} />}
      {shown.kind === 'phones' && <PhonesDrawer number={shown.number} phones={live?.get(shown.number)} close={close} />}
      {account && <Provisioning account={account} close={() => setAccount(undefined)} />}
    </div>
  );
}

/** Registered phones by extension, as they come and go. */
export function useRegistrations(): Map<string, Registration[]> | undefined {
  const may = useMay();
  const { data } = useQuery({
    queryKey: ['registrations'],
    queryFn: async () => {
      const { rows } = await readAll((query) => ask(api.GET('/api/v1/registrations', { params: { query } })));
      const phones = new Map<string, Registration[]>();
      for (const one of rows) phones.set(one.extension, [...(phones.get(one.extension) ?? []), one]);
      return phones;
    },
    enabled: may('registrations.read'),
    refetchInterval: LIVE_MS,
  });
  return data;
}

function Phones({ count, isFixed }: { count: number | undefined; isFixed: boolean }) {
  const { t } = useTranslation();
  if (count) return <Badge status="success" text={t('ext.registered', { count })} />;
  return isFixed ? (
    <Badge status="processing" text={t('ext.contact')} />
  ) : (
    <Badge status="default" text={t('ext.offline')} />
  );
}

function Handling({ extension: { handling } }: { extension: Extension }) {
  const { t } = useTranslation();
  const forwards = (['forward_always', 'forward_busy', 'forward_no_answer'] as const).filter((key) => handling[key]);
  return (
    <Space size={4} wrap>
      {handling.do_not_disturb && <Tag color="error">{t('ext.do_not_disturb')}</Tag>}
      {forwards.map((key) => (
        <Tag key={key} color="processing">{`${t(`ext.${key}`)} ${handling[key]}`}</Tag>
      ))}
      {handling.voicemail && <Tag>{t('ext.voicemail')}</Tag>}
    </Space>
  );
}

function PhonesDrawer({
  number,
  phones,
  close,
}: {
  number: string;
  phones: Registration[] | undefined;
  close: () => void;
}) {
  const { t } = useTranslation();
  const { time_zone: zone } = useSession();
  return (
    <Drawer open size={640} title={t('ext.phonesOf', { number })} onClose={close}>
      {!phones?.length && <Nothing text={t('ext.noPhones')} />}
      {phones?.map((phone) => (
        <Descriptions
          key={phone.contact}
          bordered
          column={1}
          size="small"
          style={{ marginBottom: 16 }}
          items={[
            { key: 'agent', label: t('ext.device'), children: phone.user_agent },
            { key: 'source', label: t('ext.source'), children: phone.source },
            { key: 'contact', label: 'Contact', children: <code>{phone.contact}</code> },
            { key: 'since', label: t('ext.since'), children: moment(phone.since, zone) },
            { key: 'until', label: t('ext.until'), children: moment(phone.expires_at, zone) },
            {
              key: 'trip',
              label: t('ext.roundTrip'),
              children: typeof phone.round_trip_ms === 'number' ? `${phone.round_trip_ms.toFixed(1)} ms` : '',
            },
          ]}
        />
      ))}
    </Drawer>
  );
}

function Edit({
  number,
  close,
  made,
}: {
  number: string | undefined;
  close: () => void;
  made: (account: Account) => void;
}) {
  const { t } = useTranslation();
  const may = useMay();
  const { prompts } = useThings();
  const path = { params: { path: { number: number ?? '' } } };
  return (
    <FormDrawer<Values, Extension, Extension | Schemas['ExtensionWithPassword']>
      size={720}
      title={number ? t('ext.edit', { number }) : t('ext.add')}
      lists={LISTS}
      identity="number"
      close={close}
      read={number ? () => askTagged(api.GET('/api/v1/extensions/{number}', path)) : undefined}
      locked={(extension) =>
        extension?.read_only
          ? t('settings.provisioned')
          : extension && !may('extensions.write')
            ? t('problem.forbidden')
            : undefined
      }
      fill={(extension) =>
        extension ?? ({ enabled: true, ways: 'both', srtp: 'optional', handling: { call_waiting: true } } as Values)
      }
      save={({ number: chosen, password, ...values }, etag) =>
        number
          ? ask(api.PATCH('/api/v1/extensions/{number}', { ...ifMatch(etag), ...path, body: tidy(values) }))
          : ask(api.POST('/api/v1/extensions', { body: filled({ number: chosen, password, ...values }) }))
      }
      saved={(extension) => 'password' in extension && made(extension)}
    >
      <Section title={t('tel.basic')}>
        {number ? (
          <Form.Item label={t('ext.number')}>{number}</Form.Item>
        ) : (
          <Line required name="number" label={t('ext.number')} hint={t('ext.numberHint')} />
        )}
        <Line name="display_name" label={t('ext.name')} />
        <Pick name="ways" label={t('ext.ways')} options={WAYS.map((value) => ({ value, label: t(`ways.${value}`) }))} />
        {!number && <Line name="password" label={t('ext.password')} hint={t('ext.passwordHint')} />}
        <Toggle name="enabled" label={t('tel.enabled')} />
        <Toggle name="record" label={t('ext.record')} />
      </Section>
      <Section title={t('ext.handling')}>
        <Toggle name={['handling', 'do_not_disturb']} label={t('ext.do_not_disturb')} />
        <Toggle name={['handling', 'call_waiting']} label={t('ext.call_waiting')} />
        <Line name={['handling', 'forward_always']} label={t('ext.forward_always')} />
        <Line name={['handling', 'forward_busy']} label={t('ext.forward_busy')} />
        <Line name={['handling', 'forward_no_answer']} label={t('ext.forward_no_answer')} />
        <Seconds name="ring_timeout_ms" label={t('ext.ring')} min={1} max={300} />
      </Section>
      <Section title={t('ext.voicemail')}>
        <Toggle name={['handling', 'voicemail']} label={t('ext.takesMessages')} hint={t('ext.voicemailHint')} />
        <PromptField name={['handling', 'voicemail_greeting']} label={t('ext.greeting')} prompts={prompts} />
        <Line name={['handling', 'voicemail_email']} label={t('ext.mail')} />
      </Section>
      <Section title={t('tel.more')}>
        <Line name="caller_number" label={t('ext.callerNumber')} placeholder="+861012345678" />
        <Line name="pickup_group" label={t('ext.pickupGroup')} hint={t('ext.pickupHint')} />
        <Pick
          name="srtp"
          label={t('tel.srtp')}
          options={(['optional', 'required'] as const).map((value) => ({ value, label: t(`srtp.${value}`) }))}
        />
        <Line name="contact" label={t('ext.contact')} hint={t('ext.contactHint')} placeholder="sip:1001@192.0.2.10" />
      </Section>
    </FormDrawer>
  );
}

function Renew({ number, close, made }: { number: string; close: () => void; made: (account: Account) => void }) {
  const { t } = useTranslation();
  return (
    <FormDrawer<{ password?: string }, undefined, Schemas['ExtensionWithPassword']>
      title={t('ext.newPasswordOf', { number })}
      lists={[]}
      close={close}
      fill={() => ({})}
      save={(values) =>
        ask(api.POST('/api/v1/extensions/{number}/password', { params: { path: { number } }, body: filled(values) }))
      }
      saved={made}
    >
      <Line name="password" label={t('ext.password')} hint={t('ext.passwordHint')} />
    </FormDrawer>
  );
}

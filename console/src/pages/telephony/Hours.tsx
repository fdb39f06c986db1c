import { useQuery } from '@tanstack/react-query';
import { Form, Space, Tag, theme } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask, type Schemas } from '../../api/client';
import { useMay, useSession } from '../../app/session';
import { WEEK_DAYS } from '../../flow/model';
import { moment } from '../../format';
import { FormDrawer } from '../../ui/settings/FormDrawer';
import { useDelete } from '../../ui/settings/orders';
import { SettingsList } from '../../ui/settings/SettingsList';
import { askTagged, ifMatch } from '../../ui/settings/tagged';
import { Line, named, Pick, Section } from '../../ui/telephony/fields';
import { HOLIDAY, span } from '../../ui/telephony/spans';
import { SLUG } from '../../ui/telephony/values';
import { HolidaysInput, type MakeUp, MakeUpInput, partsOf, type Week, WeekInput } from './HoursInputs';

type Hours = Schemas['HoursShown'];
type Edited = { kind: 'none' } | { kind: 'new' } | { kind: 'changed'; name: string };
interface Values {
  name: string;
  zone: string;
  weekly: Week;
  holidays: string[];
  make_up: MakeUp[];
}

const LIVE_MS = 30_000;
const LISTS = [['hours'], ['names', 'hours'], ['hours-state']];
const OPENING_COLOURS = { open: 'success', closed: 'default', holiday: 'warning' } as const;

/** Opening hours: the week, holidays and make-up working days (IVR-02). */
export function OpeningHours() {
  const { t } = useTranslation();
  const may = useMay();
  const erase = useDelete();
  const [edited, setEdited] = useState<Edited>({ kind: 'none' });
  const canWrite = may('hours.write');
  return (
    <div className="page">
      <SettingsList<Hours>
        name={['hours']}
        load={(query) => ask(api.GET('/api/v1/hours', { params: { query } }))}
        rowKey={({ name }) => name}
        searchIn={({ name, zone }) => [name, zone]}
        empty={t('hours.none')}
        add={canWrite ? { label: t('hours.add'), act: () => setEdited({ kind: 'new' }) } : undefined}
        columns={[
          { title: t('hours.name'), dataIndex: 'name' },
          { title: t('hours.now'), render: (_, { name }) => <Now name={name} /> },
          { title: t('hours.week'), width: 320, render: (_, { weekly }) => <Strip week={weekly as Week} /> },
          { title: t('hours.holidays'), render: (_, { holidays }) => holidays?.length ?? 0 },
          { title: t('hours.makeUp'), render: (_, { make_up }) => make_up?.length ?? 0 },
          { title: t('hours.zone'), dataIndex: 'zone' },
        ]}
        actions={({ name, read_only }) => [
          {
            label: t(read_only || !canWrite ? 'tel.see' : 'settings.edit'),
            act: () => setEdited({ kind: 'changed', name }),
          },
          ...(canWrite && !read_only
            ? [
                {
                  label: t('settings.delete'),
                  danger: true,
                  act: () =>
                    erase({
                      name,
                      remove: () => ask(api.DELETE('/api/v1/hours/{name}', { params: { path: { name } } })),
                      lists: LISTS,
                    }),
                },
              ]
            : []),
        ]}
      />
      {edited.kind !== 'none' && (
        <Edit name={edited.kind === 'changed' ? edited.name : undefined} close={() => setEdited({ kind: 'none' })} />
      )}
    </div>
  );
}

/** Whether it is open now, and until when. */
function Now({ name }: { name: string }) {
  const { t } = useTranslation();
  const { time_zone: zone } = useSession();
  const { data } = useQuery({
    queryKey: ['hours-state', name],
    queryFn: () => ask(api.GET('/api/v1/hours/{name}/state', { params: { path: { name } } })),
    refetchInterval: LIVE_MS,
  });
  if (!data) return null;
  return (
    <Space>
      <Tag color={OPENING_COLOURS[data.state]}>{t(`flowOpening.${data.state}`)}</Tag>
      {data.changes_at && data.changes_to && (
        <span style={{ opacity: 0.65 }}>
          {t('hours.changes', { at: moment(data.changes_at, zone), to: t(`flowOpening.${data.changes_to}`) })}
        </span>
      )}
    </Space>
  );
}

/** The week as seven bars of 24 hours. */
function Strip({ week }: { week: Week }) {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  return (
    <svg viewBox="0 0 300 58" width={300} role="img" aria-label={t('hours.week')}>
      {WEEK_DAYS.map((day, row) => (
        <g key={day}>
          <rect x={0} y={row * 8 + 1} width={300} height={6} fill={token.colorFillSecondary} />
          {partsOf(week, row).map(({ from, to }) => (
            <rect
              key={`${from} ${to}`}
              x={(from / 1440) * 300}
              y={row * 8 + 1}
              width={((to - from) / 1440) * 300}
              height={6}
              fill={token.colorSuccess}
            >
              <title>{`${t(`weekday.${day}`)} ${(week[day] ?? []).join(', ')}`}</title>
            </rect>
          ))}
        </g>
      ))}
    </svg>
  );
}

function Edit({ name, close }: { name: string | undefined; close: () => void }) {
  const { t } = useTranslation();
  const may = useMay();
  const { time_zone: zone } = useSession();
  const path = { params: { path: { name: name ?? '' } } };
  const zones = named(Intl.supportedValuesOf('timeZone'));
  return (
    <FormDrawer<Values, Hours>
      size={760}
      title={name ? t('hours.edit', { name }) : t('hours.add')}
      lists={LISTS}
      identity="name"
      close={close}
      read={name ? () => askTagged(api.GET('/api/v1/hours/{name}', path)) : undefined}
      locked={(hours) =>
        hours?.read_only ? t('settings.provisioned') : hours && !may('hours.write') ? t('problem.forbidden') : undefined
      }
      fill={(hours) => (hours as unknown as Values) ?? { zone, weekly: {}, holidays: [], make_up: [] }}
      save={({ name: chosen, ...times }, etag) => {
        const body = times as unknown as Schemas['Times'];
        return name
          ? ask(api.PUT('/api/v1/hours/{name}', { ...ifMatch(etag), ...path, body }))
          : ask(api.POST('/api/v1/hours', { body: { name: chosen, ...body } as Schemas['NewHours'] }));
      }}
    >
      <div className="form-grid">
        {name ? (
          <Form.Item label={t('hours.name')}>{name}</Form.Item>
        ) : (
          <Line
            required
            name="name"
            label={t('hours.name')}
            rules={[{ pattern: SLUG, message: t('flow.nameHint') }]}
            hint={t('tel.slug')}
          />
        )}
        <Pick required name="zone" label={t('hours.zone')} options={zones} />
      </div>
      <Form.Item
        name="weekly"
        label={t('hours.week')}
        extra={t('hours.spanHint')}
        rules={[
          {
            validator: (_, week: Week) =>
              Object.values(week ?? {}).every((spans) => spans?.every((one) => span(one)))
                ? Promise.resolve()
                : Promise.reject(new Error(t('hours.spanHint'))),
          },
        ]}
      >
        <WeekInput />
      </Form.Item>
      <Form.Item
        name="holidays"
        label={t('hours.holidays')}
        extra={t('hours.holidayHint')}
        rules={[
          {
            validator: (_, days: string[]) =>
              (days ?? []).every((day) => HOLIDAY.test(day))
                ? Promise.resolve()
                : Promise.reject(new Error(t('hours.holidayHint'))),
          },
        ]}
      >
        <HolidaysInput />
      </Form.Item>
      <Section title={t('hours.makeUp')}>
        <div style={{ gridColumn: '1 / -1' }}>
          <Form.Item name="make_up" extra={t('hours.makeUpHint')}>
            <MakeUpInput />
          </Form.Item>
        </div>
      </Section>
    </FormDrawer>
  );
}

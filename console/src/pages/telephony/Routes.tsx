import { Form, InputNumber, Segmented, Select, Tag } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask, type Schemas } from '../../api/client';
import { useMay } from '../../app/session';
import { FormDrawer } from '../../ui/settings/FormDrawer';
import { useDelete } from '../../ui/settings/orders';
import { SettingsList } from '../../ui/settings/SettingsList';
import { askTagged, ifMatch } from '../../ui/settings/tagged';
import { Line, named, Pick, PlaceInput, PromptField, Section } from '../../ui/telephony/fields';
import { usePlaceWords } from '../../ui/telephony/usePlaceWords';
import { useThings } from '../../ui/telephony/useThings';
import { filled, SLUG } from '../../ui/telephony/values';

type Route = Schemas['RouteShown'];
type Edited = { kind: 'none' } | { kind: 'new' } | { kind: 'changed'; name: string };
interface Values {
  name: string;
  direction: 'inbound' | 'outbound';
  place?: number;
  did?: string;
  trunk?: string;
  to?: string;
  hours?: string;
  closed?: { prompt?: string; holiday_prompt?: string; to?: string };
  prefix?: string;
  strip?: number;
  prepend?: string;
  trunks?: string[];
}

const LISTS = [['routes']];

/** Where calls from outside lead by the number that was called, and by which trunks calls go out (IVR-01). */
export function Routes() {
  const { t } = useTranslation();
  const may = useMay();
  const erase = useDelete();
  const [edited, setEdited] = useState<Edited>({ kind: 'none' });
  const [direction, setDirection] = useState<'inbound' | 'outbound'>('inbound');
  const [inbound, outbound] = [useInboundColumns(), useOutboundColumns()];
  const canWrite = may('routes.write');
  return (
    <div className="page">
      <SettingsList<Route>
        name={['routes']}
        load={(query) => ask(api.GET('/api/v1/routes', { params: { query } }))}
        rowKey={({ name }) => name}
        searchIn={(route) => [route.name, ...(route.direction === 'inbound' ? [route.did, route.to] : [route.prefix])]}
        filter={(route) => route.direction === direction}
        conditions={
          <Segmented
            value={direction}
            onChange={setDirection}
            options={(['inbound', 'outbound'] as const).map((value) => ({ value, label: t(`route.${value}`) }))}
          />
        }
        add={canWrite ? { label: t('route.add'), act: () => setEdited({ kind: 'new' }) } : undefined}
        columns={direction === 'inbound' ? inbound : outbound}
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
                      remove: () => ask(api.DELETE('/api/v1/routes/{name}', { params: { path: { name } } })),
                      lists: LISTS,
                    }),
                },
              ]
            : []),
        ]}
      />
      {edited.kind !== 'none' && (
        <Edit
          name={edited.kind === 'changed' ? edited.name : undefined}
          direction={direction}
          close={() => setEdited({ kind: 'none' })}
        />
      )}
    </div>
  );
}

function useInboundColumns() {
  const { t } = useTranslation();
  const words = usePlaceWords();
  return [
    { title: t('route.name'), dataIndex: 'name' },
    {
      title: t('route.did'),
      render: (_: unknown, route: Route) =>
        route.direction === 'inbound' && (route.did === '*' ? t('route.anyNumber') : route.did),
    },
    {
      title: t('route.fromTrunk'),
      render: (_: unknown, route: Route) => route.direction === 'inbound' && (route.trunk ?? t('common.all')),
    },
    {
      title: t('route.to'),
      render: (_: unknown, route: Route) =>
        route.direction === 'inbound' && <Tag color="processing">{words(route.to)}</Tag>,
    },
    {
      title: t('route.hours'),
      render: (_: unknown, route: Route) => route.direction === 'inbound' && (route.hours ?? t('route.always')),
    },
    {
      title: t('route.closedTo'),
      render: (_: unknown, route: Route) => route.direction === 'inbound' && route.closed?.to && words(route.closed.to),
    },
  ];
}

function useOutboundColumns() {
  const { t } = useTranslation();
  const of =
    (draw: (route: Extract<Route, { direction: 'outbound' }>) => React.ReactNode) => (_: unknown, route: Route) =>
      route.direction === 'outbound' && draw(route);
  return [
    { title: t('route.name'), dataIndex: 'name' },
    { title: t('route.prefix'), render: of(({ prefix }) => prefix || t('route.anyNumber')) },
    { title: t('route.strip'), render: of(({ strip }) => strip ?? 0) },
    { title: t('route.prepend'), render: of(({ prepend }) => prepend) },
    {
      title: t('route.trunks'),
      render: of(({ trunks }) => trunks.map((trunk, at) => <Tag key={trunk}>{`${at + 1}. ${trunk}`}</Tag>)),
    },
  ];
}

function Edit({
  name,
  direction,
  close,
}: {
  name: string | undefined;
  direction: Values['direction'];
  close: () => void;
}) {
  const { t } = useTranslation();
  const may = useMay();
  const path = { params: { path: { name: name ?? '' } } };
  return (
    <FormDrawer<Values, Route>
      size={640}
      title={name ? t('route.edit', { name }) : t('route.add')}
      lists={LISTS}
      identity="name"
      close={close}
      read={name ? () => askTagged(api.GET('/api/v1/routes/{name}', path)) : undefined}
      locked={(route) =>
        route?.read_only
          ? t('settings.provisioned')
          : route && !may('routes.write')
            ? t('problem.forbidden')
            : undefined
      }
      fill={(route) => (route ?? { direction }) as Partial<Values>}
      save={({ name: chosen, ...rule }, etag) => {
        const body = filled(withClosed(rule));
        return name
          ? ask(
              api.PUT('/api/v1/routes/{name}', {
                ...ifMatch(etag),
                ...path,
                body: body as unknown as Schemas['RouteReplacement'],
              }),
            )
          : ask(api.POST('/api/v1/routes', { body: { name: chosen, ...body } as unknown as Schemas['NewRoute'] }));
      }}
    >
      {(form) => (
        <>
          <div className="form-grid">
            {name ? (
              <Form.Item label={t('route.name')}>{name}</Form.Item>
            ) : (
              <Line
                required
                name="name"
                label={t('route.name')}
                rules={[{ pattern: SLUG, message: t('flow.nameHint') }]}
                hint={t('tel.slug')}
              />
            )}
            <Form.Item name="direction" label={t('records.type')}>
              <Segmented
                disabled={Boolean(name)}
                options={(['inbound', 'outbound'] as const).map((value) => ({ value, label: t(`route.${value}`) }))}
              />
            </Form.Item>
          </div>
          <Rule watch={form} />
        </>
      )}
    </FormDrawer>
  );
}

/** Nothing that is said or led to while it is closed: then the usual words. */
function withClosed(rule: Omit<Values, 'name'>): Omit<Values, 'name'> {
  const closed = rule.closed && Object.values(rule.closed).some(Boolean) ? { closed: rule.closed } : {};
  const { closed: _, ...others } = rule;
  return { ...others, ...closed };
}

function Rule({ watch }: { watch: import('antd').FormInstance<Values> }) {
  const { t } = useTranslation();
  const things = useThings();
  const direction = Form.useWatch('direction', watch);
  const hours = Form.useWatch('hours', watch);
  if (direction === 'outbound') {
    return (
      <>
        <div className="form-grid">
          <Line name="prefix" label={t('route.prefix')} hint={t('route.prefixHint')} placeholder="9" />
          <Form.Item name="strip" label={t('route.strip')} extra={t('route.stripHint')}>
            <InputNumber min={0} max={32} precision={0} style={{ width: '100%' }} />
          </Form.Item>
          <Line name="prepend" label={t('route.prepend')} hint={t('route.prependHint')} />
          <PlaceField />
        </div>
        <Form.Item name="trunks" label={t('route.trunks')} extra={t('route.trunksHint')} rules={[{ required: true }]}>
          <Select mode="multiple" options={named(things.trunks)} />
        </Form.Item>
      </>
    );
  }
  return (
    <>
      <div className="form-grid">
        <Line required name="did" label={t('route.did')} hint={t('route.didHint')} placeholder="+861012345678" />
        <Pick
          clearable
          name="trunk"
          label={t('route.fromTrunk')}
          placeholder={t('common.all')}
          options={named(things.trunks)}
        />
      </div>
      <Form.Item name="to" label={t('route.to')} rules={[{ required: true }]}>
        <PlaceInput things={things} label={t('route.to')} />
      </Form.Item>
      <div className="form-grid">
        <Pick
          clearable
          name="hours"
          label={t('route.hours')}
          placeholder={t('route.always')}
          options={named(things.hours)}
        />
        <PlaceField />
      </div>
      {hours && (
        <Section title={t('route.whenClosed')}>
          <PromptField name={['closed', 'prompt']} label={t('route.closedPrompt')} prompts={things.prompts} />
          <PromptField name={['closed', 'holiday_prompt']} label={t('route.holidayPrompt')} prompts={things.prompts} />
          <div style={{ gridColumn: '1 / -1' }}>
            <Form.Item name={['closed', 'to']} label={t('route.closedTo')}>
              <PlaceInput clearable things={things} label={t('route.closedTo')} />
            </Form.Item>
          </div>
        </Section>
      )}
    </>
  );
}

function PlaceField() {
  const { t } = useTranslation();
  return (
    <Form.Item name="place" label={t('route.place')} extra={t('route.placeHint')}>
      <InputNumber min={0} max={1000} precision={0} style={{ width: '100%' }} />
    </Form.Item>
  );
}

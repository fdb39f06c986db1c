import { useQueryClient } from '@tanstack/react-query';
import { Alert, Button, Form, Input, Segmented, Switch } from 'antd';
import { useTranslation } from 'react-i18next';
import { api, ask, type Schemas } from '../../api/client';
import { readAll } from '../../ui/settings/SettingsList';
import { PlaceInput } from '../../ui/telephony/fields';
import { useThings } from '../../ui/telephony/useThings';
import { type PlaceKind, placeOf } from '../../ui/telephony/values';
import { firstFlow, GREETS, MAIN, publish } from './firstFlow';
import type { StepGiven } from './Setup';
import { useSend } from './useSend';

/** By a flow that greets first, or straight there. */
const WAYS = [...GREETS, 'straight'] as const;
interface Values {
  did: string;
  way: (typeof WAYS)[number];
  to: string;
  callsOut?: boolean;
  prefix?: string;
}

/** Where the first number leads, by a flow that is made for it or straight, and whether calls go out. */
export function NumberStep({ next }: StepGiven) {
  const { t } = useTranslation();
  const things = useThings();
  const queries = useQueryClient();
  const [form] = Form.useForm<Values>();
  const { isBusy, trouble, send } = useSend(form);
  const callsOut = Form.useWatch('callsOut', form);
  const way = Form.useWatch('way', form);
  // What a flow cannot connect to is not left standing.
  const narrow = (chosen: Values['way']) => {
    const { kind } = placeOf(form.getFieldValue('to') ?? '');
    if (chosen !== 'straight' && !CONNECTED.includes(kind)) form.setFieldValue('to', 'queue:support');
  };
  const save = ({ did, way, to, callsOut: goesOut, prefix }: Values) =>
    send(async () => {
      if (way !== 'straight') await publish(firstFlow(t('setup.flowTitle'), way, to));
      const leads = way === 'straight' ? to : `flow:${MAIN}`;
      await route({ name: MAIN, direction: 'inbound', did: did.trim(), to: leads });
      if (goesOut) await route({ name: 'outside', direction: 'outbound', prefix: prefix ?? '', trunks: things.trunks });
      for (const queryKey of [['routes'], ['flows'], ['names', 'flows']]) void queries.invalidateQueries({ queryKey });
      next();
    });
  return (
    <Form<Values>
      name="setup-number"
      form={form}
      layout="vertical"
      initialValues={{ way: 'connect', to: 'queue:support' }}
      onFinish={(values) => void save(values)}
    >
      {trouble && <Alert showIcon type="error" title={trouble} style={{ marginBottom: 16 }} />}
      <div className="form-grid">
        <Form.Item name="did" label={t('route.did')} extra={t('route.didHint')} rules={[{ required: true }]}>
          <Input placeholder="+861012345678" />
        </Form.Item>
        <Form.Item name="way" label={t('setup.way')} extra={way && t(`setup.wayHint.${way}`)}>
          <Segmented options={WAYS.map((value) => ({ value, label: t(`setup.ways.${value}`) }))} onChange={narrow} />
        </Form.Item>
        <Form.Item name="to" label={t('route.to')} rules={[{ required: true }]}>
          <PlaceInput things={things} label={t('route.to')} {...(way === 'straight' ? {} : { kinds: CONNECTED })} />
        </Form.Item>
        <Form.Item name="callsOut" label={t('setup.callsOut')} valuePropName="checked">
          <Switch disabled={things.trunks.length === 0} />
        </Form.Item>
        {callsOut && (
          <Form.Item name="prefix" label={t('route.prefix')} extra={t('setup.prefixHint')}>
            <Input placeholder="0" />
          </Form.Item>
        )}
      </div>
      <Button type="primary" htmlType="submit" loading={isBusy}>
        {t('setup.saveNext')}
      </Button>
    </Form>
  );
}

/** What a first flow connects to. */
const CONNECTED: readonly PlaceKind[] = ['queue', 'extension'];

type NewRoute = { name: string } & (
  | { direction: 'inbound'; did: string; to: string }
  | { direction: 'outbound'; prefix: string; trunks: string[] }
);

/** Makes a route, or makes it anew where this was gone through before. */
async function route({ name, ...rule }: NewRoute): Promise<void> {
  const { rows } = await readAll((query) => ask(api.GET('/api/v1/routes', { params: { query } })));
  if (rows.some((one) => one.name === name)) {
    const params = { path: { name } };
    await ask(api.PUT('/api/v1/routes/{name}', { params, body: rule as unknown as Schemas['RouteReplacement'] }));
  } else {
    await ask(api.POST('/api/v1/routes', { body: { name, ...rule } as unknown as Schemas['NewRoute'] }));
  }
}

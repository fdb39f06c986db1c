import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Alert, Button, Form, Input, InputNumber, Segmented, Select, Space, Switch } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask, type Schemas } from '../../api/client';
import { filled, SLUG } from '../../ui/telephony/values';
import { TrunkTest } from '../telephony/TrunkState';
import type { StepGiven } from './Setup';
import { useSend } from './useSend';

interface Values {
  name: string;
  host: string;
  port?: number;
  transport: 'udp' | 'tcp' | 'tls';
  username?: string;
  password?: string;
  sources?: string[];
  caller_number?: string;
  registers?: boolean;
}

/** The line of a carrier, tried at once. */
export function TrunkStep({ next }: StepGiven) {
  const { t } = useTranslation();
  const [made, setMade] = useState<string>();
  const { data } = useQuery({
    queryKey: ['trunks', 'first'],
    queryFn: () => ask(api.GET('/api/v1/trunks', { params: { query: { limit: 1 } } })),
  });
  const name = made ?? data?.items[0]?.name;
  if (!name) return <Fields made={setMade} />;
  return (
    <Space orientation="vertical" style={{ width: '100%' }} size="middle">
      <Alert showIcon type="success" title={t('setup.trunkThere', { name })} />
      <TrunkTest name={name} />
      <Button onClick={next}>{t('setup.next')}</Button>
    </Space>
  );
}

function Fields({ made }: { made: (name: string) => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [form] = Form.useForm<Values>();
  const { isBusy, trouble, send } = useSend(form, 'name');
  const add = ({ registers, ...values }: Values) =>
    send(async () => {
      const policy = registers ? { registration: {} } : {};
      const body = { ...filled(values), policy } as unknown as Schemas['NewTrunk'];
      const { name } = await ask(api.POST('/api/v1/trunks', { body }));
      for (const queryKey of [['trunks'], ['names', 'trunks']]) void queries.invalidateQueries({ queryKey });
      made(name);
    });
  return (
    <Form<Values>
      name="setup-trunk"
      form={form}
      layout="vertical"
      initialValues={{ name: 'carrier', transport: 'udp' }}
      onFinish={(values) => void add(values)}
    >
      {trouble && <Alert showIcon type="error" title={trouble} style={{ marginBottom: 16 }} />}
      <div className="form-grid">
        <Form.Item
          name="name"
          label={t('trunk.name')}
          extra={t('tel.slug')}
          rules={[{ required: true }, { pattern: SLUG, message: t('flow.nameHint') }]}
        >
          <Input />
        </Form.Item>
        <Form.Item name="host" label={t('trunk.host')} rules={[{ required: true }]}>
          <Input placeholder="sip.example.com" />
        </Form.Item>
        <Form.Item name="port" label={t('ext.port')}>
          <InputNumber min={1} max={65_535} precision={0} placeholder="5060" style={{ width: '100%' }} />
        </Form.Item>
        <Form.Item name="transport" label={t('ext.transport')}>
          <Segmented
            options={(['udp', 'tcp', 'tls'] as const).map((value) => ({ value, label: value.toUpperCase() }))}
          />
        </Form.Item>
        <Form.Item name="username" label={t('trunk.user')}>
          <Input autoComplete="off" />
        </Form.Item>
        <Form.Item name="password" label={t('ext.password')}>
          <Input.Password autoComplete="new-password" />
        </Form.Item>
        <Form.Item name="sources" label={t('trunk.sources')} extra={t('trunk.sourcesHint')}>
          <Select mode="tags" open={false} suffixIcon={null} tokenSeparators={[',', ' ']} placeholder="192.0.2.0/24" />
        </Form.Item>
        <Form.Item name="caller_number" label={t('trunk.callerNumber')}>
          <Input placeholder="+861012345678" />
        </Form.Item>
        <Form.Item
          name="registers"
          label={t('trunk.registers')}
          extra={t('trunk.registersHint')}
          valuePropName="checked"
        >
          <Switch />
        </Form.Item>
      </div>
      <Button type="primary" htmlType="submit" loading={isBusy}>
        {t('setup.saveTest')}
      </Button>
    </Form>
  );
}

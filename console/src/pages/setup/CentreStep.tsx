import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Alert, Button, Form, Input, Segmented } from 'antd';
import { useTranslation } from 'react-i18next';
import { api, ask, type Schemas } from '../../api/client';
import { useSession } from '../../app/session';
import { Answered } from '../../ui/States';
import { ZoneSelect } from '../../ui/ZoneSelect';
import type { StepGiven } from './Setup';
import { useSend } from './useSend';

type Tenant = Schemas['TenantShown'];
interface Values {
  name: string;
  language: string;
  time_zone: string;
}

const LANGUAGES = ['zh-CN', 'en'] as const;

/** How the centre is called, in which language it speaks to callers, and where its clocks are. */
export function CentreStep(given: StepGiven) {
  const { tenant: id } = useSession();
  const query = useQuery({
    queryKey: ['tenant', id],
    queryFn: () => ask(api.GET('/api/v1/tenants/{id}', { params: { path: { id } } })),
  });
  return <Answered query={query}>{(tenant) => <Fields tenant={tenant} {...given} />}</Answered>;
}

function Fields({ tenant, next }: { tenant: Tenant } & StepGiven) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [form] = Form.useForm<Values>();
  const { isBusy, trouble, send } = useSend(form);
  const save = (body: Values) =>
    send(async () => {
      await ask(api.PATCH('/api/v1/tenants/{id}', { params: { path: { id: tenant.id } }, body }));
      void queries.invalidateQueries({ queryKey: ['tenant', tenant.id] });
      next();
    });
  return (
    <Form<Values>
      name="setup-centre"
      form={form}
      layout="vertical"
      initialValues={tenant}
      onFinish={(values) => void save(values)}
    >
      {trouble && <Alert showIcon type="error" title={trouble} style={{ marginBottom: 16 }} />}
      <div className="form-grid">
        <Form.Item name="name" label={t('setup.centreName')} rules={[{ required: true }]}>
          <Input maxLength={64} />
        </Form.Item>
        <Form.Item name="language" label={t('setup.language')} extra={t('setup.languageHint')}>
          <Segmented options={LANGUAGES.map((value) => ({ value, label: t(`language.${value}`) }))} />
        </Form.Item>
        <Form.Item name="time_zone" label={t('hours.zone')} extra={t('setup.zoneHint')} rules={[{ required: true }]}>
          <ZoneSelect />
        </Form.Item>
      </div>
      <Button type="primary" htmlType="submit" loading={isBusy}>
        {t('setup.saveNext')}
      </Button>
    </Form>
  );
}

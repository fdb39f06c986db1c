import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Alert, Button, Collapse, Form, Input } from 'antd';
import { useTranslation } from 'react-i18next';
import { api, ask, type Schemas } from '../../api/client';
import { resume, useSession } from '../../app/session';
import { Answered } from '../../ui/States';
import { PasswordForm } from '../PasswordForm';
import type { StepGiven } from './Setup';
import { useSend } from './useSend';

type Employee = Schemas['EmployeeShown'];
interface Values {
  name: string;
  mobile?: string;
  email?: string;
}

/** Who administers the centre, how he is reached, and his password (ORG-38): a random one was changed before he came here (LOGIN-05). */
export function AdminStep(given: StepGiven) {
  const { employee } = useSession();
  const id = employee ?? '';
  const query = useQuery({
    queryKey: ['employee', id],
    queryFn: () => ask(api.GET('/api/v1/employees/{id}', { params: { path: { id } } })),
  });
  return <Answered query={query}>{(employee) => <Fields employee={employee} {...given} />}</Answered>;
}

function Fields({ employee: { number, name, mobile, email }, next }: { employee: Employee } & StepGiven) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [form] = Form.useForm<Values>();
  const { isBusy, trouble, send } = useSend(form);
  const save = ({ name, mobile, email }: Values) =>
    send(async () => {
      const body = { name, email: email?.trim() ?? '', ...(mobile?.trim() ? { mobile } : {}) };
      await ask(api.PATCH('/api/v1/employees/{id}', { params: { path: { id: number } }, body }));
      for (const queryKey of [['employee', number], ['employees'], ['me']])
        void queries.invalidateQueries({ queryKey });
      // The frame shows his name.
      void resume();
      next();
    });
  return (
    <>
      <Form<Values>
        name="setup-admin"
        form={form}
        layout="vertical"
        initialValues={{ name, mobile: mobile ?? '', email }}
        onFinish={(values) => void save(values)}
      >
        {trouble && <Alert showIcon type="error" title={trouble} style={{ marginBottom: 16 }} />}
        <div className="form-grid">
          <Form.Item name="name" label={t('people.name')} rules={[{ required: true, whitespace: true, max: 64 }]}>
            <Input autoComplete="name" />
          </Form.Item>
          <Form.Item name="mobile" label={t('people.mobile')} extra={t('setup.mobileHint')}>
            <Input autoComplete="tel" />
          </Form.Item>
          <Form.Item name="email" label={t('people.email')}>
            <Input autoComplete="email" />
          </Form.Item>
        </div>
        <Button type="primary" htmlType="submit" loading={isBusy}>
          {t('setup.saveNext')}
        </Button>
      </Form>
      <Collapse
        ghost
        style={{ marginTop: 16 }}
        items={[{ key: 'password', label: t('setup.ownPassword'), children: <PasswordForm /> }]}
      />
    </>
  );
}

import { useQueryClient } from '@tanstack/react-query';
import { Button, Card, Form, type FormInstance, Space } from 'antd';
import { type ReactNode, useId } from 'react';
import { useTranslation } from 'react-i18next';

/** The conditions of a list: search, back to the defaults (GEN-10), and what else is done by them, as an export. */
export function Conditions<T extends object>({
  form,
  initial,
  ask,
  children,
  extra,
}: {
  form: FormInstance<T>;
  initial: T;
  ask: (conditions: T) => void;
  children: ReactNode;
  extra?: ReactNode;
}) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  // Pages behind stay in the document: without a name of its own, one form's labels would name another's fields.
  const name = useId();
  const begin = (conditions: T) => {
    ask(conditions);
    // The same conditions ask again, too: rows may have changed.
    void queries.invalidateQueries();
  };
  return (
    <Card size="small">
      <Form<T> form={form} name={name} layout="inline" initialValues={initial} style={{ rowGap: 8 }} onFinish={begin}>
        {children}
        <Space>
          <Button type="primary" htmlType="submit">
            {t('common.query')}
          </Button>
          <Button
            onClick={() => {
              form.resetFields();
              begin(initial);
            }}
          >
            {t('common.reset')}
          </Button>
          {extra}
        </Space>
      </Form>
    </Card>
  );
}

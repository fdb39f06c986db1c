import { PlusOutlined, QrcodeOutlined } from '@ant-design/icons';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Alert, App, Badge, Button, Form, Input, Space, Table } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask, type Schemas } from '../../api/client';
import { textOf } from '../../api/problem';
import { Answered } from '../../ui/States';
import { readAll } from '../../ui/settings/SettingsList';
import { useRegistrations } from '../telephony/Extensions';
import { type Account, Provisioning } from '../telephony/Provisioning';
import type { StepGiven } from './Setup';
import { useSend } from './useSend';

type Extension = Schemas['ExtensionShown'];
interface Values {
  number: string;
  display_name?: string;
}

/** The first phones: each is set up by a QR code or by hand. */
export function ExtensionsStep({ next }: StepGiven) {
  const { t } = useTranslation();
  const { modal, message } = App.useApp();
  const queries = useQueryClient();
  const [account, setAccount] = useState<Account>();
  const live = useRegistrations();
  const query = useQuery({
    queryKey: ['extensions'],
    queryFn: () => readAll((page) => ask(api.GET('/api/v1/extensions', { params: { query: page } }))),
  });
  const renew = (number: string) =>
    modal.confirm({
      title: t('ext.newPasswordOf', { number }),
      content: t('setup.renewHint'),
      okText: t('common.ok'),
      cancelText: t('common.cancel'),
      onOk: async () => {
        try {
          const params = { path: { number } };
          setAccount(await ask(api.POST('/api/v1/extensions/{number}/password', { params, body: {} })));
        } catch (error) {
          void message.error(textOf(error));
        }
      },
    });
  return (
    <Space orientation="vertical" style={{ width: '100%' }} size="middle">
      <Answered query={query}>
        {({ rows }) => (
          <Table<Extension>
            size="small"
            rowKey={({ number }) => number}
            dataSource={rows}
            pagination={{ pageSize: 10, hideOnSinglePage: true }}
            columns={[
              { title: t('ext.number'), dataIndex: 'number' },
              { title: t('ext.name'), dataIndex: 'display_name' },
              {
                title: t('ext.phones'),
                render: (_, { number }) => {
                  const count = live?.get(number)?.length ?? 0;
                  return (
                    <Badge
                      status={count ? 'success' : 'default'}
                      text={count ? t('ext.registered', { count }) : t('ext.offline')}
                    />
                  );
                },
              },
              {
                title: t('common.operation'),
                render: (_, { number, read_only }) => (
                  <Button size="small" icon={<QrcodeOutlined />} disabled={read_only} onClick={() => renew(number)}>
                    {t('setup.setPhone')}
                  </Button>
                ),
              },
            ]}
          />
        )}
      </Answered>
      <Add
        made={(made) => {
          setAccount(made);
          void queries.invalidateQueries({ queryKey: ['extensions'] });
        }}
      />
      <Button type="primary" onClick={next}>
        {t('setup.next')}
      </Button>
      {account && <Provisioning account={account} close={() => setAccount(undefined)} />}
    </Space>
  );
}

function Add({ made }: { made: (account: Account) => void }) {
  const { t } = useTranslation();
  const [form] = Form.useForm<Values>();
  const { isBusy, trouble, send } = useSend(form, 'number');
  const add = (values: Values) =>
    send(async () => {
      made(await ask(api.POST('/api/v1/extensions', { body: values })));
      form.resetFields();
    });
  return (
    <>
      {trouble && <Alert showIcon type="error" title={trouble} />}
      <Form<Values>
        name="setup-extension"
        form={form}
        layout="inline"
        onFinish={(values) => void add(values)}
        style={{ rowGap: 8 }}
      >
        <Form.Item name="number" label={t('ext.number')} rules={[{ required: true }]}>
          <Input placeholder="1004" style={{ width: 120 }} />
        </Form.Item>
        <Form.Item name="display_name" label={t('ext.name')}>
          <Input style={{ width: 180 }} />
        </Form.Item>
        <Button htmlType="submit" icon={<PlusOutlined />} loading={isBusy}>
          {t('ext.add')}
        </Button>
      </Form>
    </>
  );
}

import { useQueryClient } from '@tanstack/react-query';
import { App, Button, Form, Input, Modal, Space } from 'antd';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask } from '../api/client';
import { Problem } from '../api/problem';
import { explain, Told, type Trouble } from '../ui/settings/submit';

interface Filled {
  mobile: string;
  mobile_code?: string;
}

/** How soon another code may be asked for, seconds (LOGIN-02). */
const AGAIN_S = 60;

/** A new mobile, proved by a code that is sent to it (ORG-45); the server asks none of who may change employees. */
export function MobileDialog({ close }: { close: () => void }) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const queries = useQueryClient();
  const [form] = Form.useForm<Filled>();
  const [isBusy, setIsBusy] = useState(false);
  const [trouble, setTrouble] = useState<Trouble>({ kind: 'none' });
  const [left, setLeft] = useState(0);
  useEffect(() => {
    if (left === 0) return;
    const timer = setTimeout(() => setLeft(left - 1), 1_000);
    return () => clearTimeout(timer);
  }, [left]);
  const show = async (error: unknown) => setTrouble(await explain(form, error));
  const send = async () => {
    setTrouble({ kind: 'none' });
    try {
      const { mobile } = await form.validateFields(['mobile']);
      await ask(api.POST('/api/v1/me/mobile-code', { body: { mobile } }));
      setLeft(AGAIN_S);
      void message.success(t('me.codeSent'));
    } catch (error) {
      if (error instanceof Problem) await show(error);
    }
  };
  const save = async ({ mobile, mobile_code }: Filled) => {
    setIsBusy(true);
    setTrouble({ kind: 'none' });
    try {
      const code = mobile_code?.trim();
      const body = { mobile, ...(code ? { mobile_code: code } : {}) };
      queries.setQueryData(['me'], await ask(api.PATCH('/api/v1/me', { body })));
      void message.success(t('me.saved'));
      close();
    } catch (error) {
      await show(error);
      setIsBusy(false);
    }
  };
  return (
    <Modal
      open
      title={t('me.changeMobile')}
      okText={t('common.ok')}
      cancelText={t('common.cancel')}
      confirmLoading={isBusy}
      onOk={() => form.submit()}
      onCancel={close}
      width={440}
    >
      <Told trouble={trouble} reload={close} />
      <Form<Filled> form={form} name="mobile" layout="vertical" onFinish={save}>
        <Form.Item
          name="mobile"
          label={t('me.newMobile')}
          rules={[{ required: true, whitespace: true, message: t('me.required') }]}
        >
          <Input inputMode="tel" autoComplete="tel" />
        </Form.Item>
        <Space align="end">
          <Form.Item name="mobile_code" label={t('me.code')}>
            <Input inputMode="numeric" autoComplete="one-time-code" maxLength={6} />
          </Form.Item>
          <Form.Item>
            <Button disabled={left > 0} onClick={() => void send()}>
              {left > 0 ? t('me.codeAgain', { count: left }) : t('me.getCode')}
            </Button>
          </Form.Item>
        </Space>
      </Form>
    </Modal>
  );
}

import { Alert, Button, Card, Form, Input, Typography, theme } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Problem, textOf } from '../api/problem';
import { choosePassword, signOut } from '../app/session';
import { LookSwitch } from '../ui/LookSwitch';
import { isAcceptable } from './password';

interface Filled {
  old: string;
  chosen: string;
  again: string;
}

/** LOGIN-05: nothing else is possible with an administrator's password. */
export function ChangePassword() {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  const [refused, setRefused] = useState<string>();
  const [isBusy, setIsBusy] = useState(false);
  const submit = async ({ old, chosen }: Filled) => {
    setIsBusy(true);
    setRefused(undefined);
    try {
      await choosePassword(old, chosen);
    } catch (error) {
      const isOld = error instanceof Problem && error.fields.some(({ field }) => field === 'old_password');
      setRefused(isOld ? t('login.oldWrong') : textOf(error));
      setIsBusy(false);
    }
  };
  return (
    <div className="login" style={{ background: token.colorBgLayout }}>
      <div className="login-switch">
        <LookSwitch />
      </div>
      <Card className="login-card">
        <Typography.Title level={3} style={{ textAlign: 'center', marginTop: 0 }}>
          {t('login.changeTitle')}
        </Typography.Title>
        <Alert showIcon type="info" style={{ marginBottom: 16 }} title={t('login.changeHint')} />
        {refused && <Alert showIcon type="error" style={{ marginBottom: 16 }} title={refused} />}
        <Form<Filled> layout="vertical" onFinish={submit} requiredMark={false}>
          <Form.Item
            name="old"
            label={t('login.oldPassword')}
            rules={[{ required: true, message: t('login.passwordRequired') }]}
          >
            <Input.Password autoComplete="current-password" autoFocus />
          </Form.Item>
          <Form.Item
            name="chosen"
            label={t('login.newPassword')}
            dependencies={['old']}
            rules={[
              { required: true, message: t('login.passwordRequired') },
              ({ getFieldValue }) => ({
                validator: async (_, value?: string) => {
                  if (!value) return;
                  if (!isAcceptable(value)) throw new Error(t('login.rule'));
                  if (value === getFieldValue('old')) throw new Error(t('login.sameAsOld'));
                },
              }),
            ]}
          >
            <Input.Password autoComplete="new-password" />
          </Form.Item>
          <Form.Item
            name="again"
            label={t('login.repeat')}
            dependencies={['chosen']}
            rules={[
              ({ getFieldValue }) => ({
                validator: async (_, value?: string) => {
                  if (value !== getFieldValue('chosen')) throw new Error(t('login.repeatWrong'));
                },
              }),
            ]}
          >
            <Input.Password autoComplete="new-password" />
          </Form.Item>
          <Button type="primary" htmlType="submit" block size="large" loading={isBusy}>
            {t('common.save')}
          </Button>
          <Button type="link" block style={{ marginTop: 8 }} onClick={() => void signOut()}>
            {t('frame.logout')}
          </Button>
        </Form>
      </Card>
    </div>
  );
}

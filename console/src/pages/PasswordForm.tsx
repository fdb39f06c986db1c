import { Alert, Button, Form, Input } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Problem, textOf } from '../api/problem';
import { choosePassword } from '../app/session';
import { isAcceptable } from './password';

interface Filled {
  old: string;
  chosen: string;
  again: string;
}

/** A password of one's own choice; one signs in with it again (LOGIN-05, ORG-45). */
export function PasswordForm({ isFirst = false }: { isFirst?: boolean }) {
  const { t } = useTranslation();
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
    <Form<Filled>
      name="password"
      layout="vertical"
      style={{ maxWidth: 400 }}
      onFinish={submit}
      requiredMark={isFirst ? false : undefined}
    >
      {refused && <Alert showIcon type="error" style={{ marginBottom: 16 }} title={refused} />}
      <Form.Item
        name="old"
        label={t('login.oldPassword')}
        rules={[{ required: true, message: t('login.passwordRequired') }]}
      >
        <Input.Password autoComplete="current-password" autoFocus={isFirst} />
      </Form.Item>
      <Form.Item
        name="chosen"
        label={t('login.newPassword')}
        extra={isFirst ? undefined : t('login.rule')}
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
        required
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
      {isFirst ? (
        <Button type="primary" htmlType="submit" block size="large" loading={isBusy}>
          {t('common.save')}
        </Button>
      ) : (
        <>
          <Button type="primary" htmlType="submit" loading={isBusy}>
            {t('me.password')}
          </Button>
          <div style={{ opacity: 0.65, marginTop: 8 }}>{t('me.passwordHint')}</div>
        </>
      )}
    </Form>
  );
}

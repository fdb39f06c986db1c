import { MobileOutlined, SafetyOutlined } from '@ant-design/icons';
import { Alert, Button, Form, Input, Space, Tag } from 'antd';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Problem, textOf } from '../api/problem';
import { usePreferences } from '../app/preferences';
import { type Chosen, join, sendCode, signInByCode } from '../app/session';
import { keep, PhoneFields, type PhoneFilled } from './PhoneFields';

interface Filled extends PhoneFilled {
  mobile: string;
  code: string;
}

/** LOGIN-02: another code may be sent after so many seconds. */
const AGAIN_S = 60;

/** Signs in by a code to the mobile; where it is the first time, one joins an enterprise (LOGIN-01 to LOGIN-03). */
export function SmsLogin({ tried }: { tried: () => void }) {
  const { t } = useTranslation();
  const { way, extension } = usePreferences();
  const [refused, setRefused] = useState<string>();
  const [isBusy, setIsBusy] = useState(false);
  const [chosen, setChosen] = useState<Chosen>();
  const submit = async (filled: Filled) => {
    setIsBusy(true);
    setRefused(undefined);
    keep(filled);
    tried();
    try {
      setChosen(await signInByCode(filled.mobile.trim(), filled.code.trim()));
    } catch (error) {
      setRefused(error instanceof Problem && error.status === 401 ? t('login.codeWrong') : textOf(error));
    }
    setIsBusy(false);
  };
  if (chosen?.kind === 'choosing') {
    return <Enterprises ticket={chosen.ticket} of={chosen.enterprises} back={() => setChosen(undefined)} />;
  }
  return (
    <>
      {refused && <Alert showIcon style={{ marginBottom: 16 }} type="error" title={refused} />}
      <Form<Filled> layout="vertical" initialValues={{ way, extension }} onFinish={submit} requiredMark={false}>
        <Form.Item
          name="mobile"
          label={t('login.mobile')}
          rules={[{ required: true, whitespace: true, message: t('login.mobileRequired') }]}
        >
          <Input prefix={<MobileOutlined />} autoComplete="tel" inputMode="tel" autoFocus />
        </Form.Item>
        <Form.Item label={t('login.code')} required>
          <Space.Compact block>
            <Form.Item
              noStyle
              name="code"
              rules={[{ required: true, pattern: /^\s*\d{6}\s*$/, message: t('login.codeRequired') }]}
            >
              <Input
                prefix={<SafetyOutlined />}
                aria-label={t('login.code')}
                autoComplete="one-time-code"
                inputMode="numeric"
                maxLength={6}
              />
            </Form.Item>
            <CodeButton refused={setRefused} />
          </Space.Compact>
        </Form.Item>
        <PhoneFields />
        <Button type="primary" htmlType="submit" block size="large" loading={isBusy}>
          {t('login.submit')}
        </Button>
      </Form>
    </>
  );
}

/** Sends a code, then counts down until it may be sent again. */
function CodeButton({ refused }: { refused: (text: string | undefined) => void }) {
  const { t } = useTranslation();
  const form = Form.useFormInstance<Filled>();
  const [until, setUntil] = useState<number>();
  const left = useSecondsLeft(until);
  const [isBusy, setIsBusy] = useState(false);
  const send = async () => {
    const { mobile } = await form.validateFields(['mobile']);
    setIsBusy(true);
    refused(undefined);
    try {
      await sendCode(String(mobile).trim());
      setUntil(Date.now() + AGAIN_S * 1_000);
    } catch (error) {
      refused(textOf(error));
    }
    setIsBusy(false);
  };
  return (
    <Button disabled={left > 0} loading={isBusy} onClick={() => void send().catch(() => undefined)}>
      {left > 0 ? t('login.again', { count: left }) : t('login.getCode')}
    </Button>
  );
}

function useSecondsLeft(until: number | undefined): number {
  const [left, setLeft] = useState(0);
  useEffect(() => {
    if (until === undefined) return undefined;
    const count = () => setLeft(Math.max(0, Math.ceil((until - Date.now()) / 1_000)));
    count();
    const timer = setInterval(count, 500);
    return () => clearInterval(timer);
  }, [until]);
  return left;
}

type Choosing = Extract<Chosen, { kind: 'choosing' }>;

/** The enterprises that invite the mobile (LOGIN-03). */
function Enterprises({ ticket, of, back }: { ticket: string; of: Choosing['enterprises']; back: () => void }) {
  const { t } = useTranslation();
  const [refused, setRefused] = useState<string>();
  const [busy, setBusy] = useState<string>();
  const choose = async (tenant: string) => {
    setBusy(tenant);
    setRefused(undefined);
    try {
      await join(ticket, tenant);
    } catch (error) {
      setRefused(error instanceof Problem && error.status === 401 ? t('login.ticketWrong') : textOf(error));
      setBusy(undefined);
    }
  };
  return (
    <Space orientation="vertical" size="middle" style={{ width: '100%' }}>
      <Alert showIcon type="info" title={t('login.joinHint')} />
      {refused && <Alert showIcon type="error" title={refused} />}
      {of.map(({ tenant, name, joined }) => (
        <div key={tenant} className="spread">
          <Space>
            {name}
            {joined && <Tag color="success">{t('login.joined')}</Tag>}
          </Space>
          <Button
            type="primary"
            loading={busy === tenant}
            disabled={busy !== undefined && busy !== tenant}
            aria-label={`${joined ? t('login.enter') : t('login.join')} ${name}`}
            onClick={() => void choose(tenant)}
          >
            {joined ? t('login.enter') : t('login.join')}
          </Button>
        </div>
      ))}
      <Button type="link" block onClick={back}>
        {t('login.back')}
      </Button>
    </Space>
  );
}

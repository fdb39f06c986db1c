import { LockOutlined, LoginOutlined, UserOutlined } from '@ant-design/icons';
import { useQuery } from '@tanstack/react-query';
import { Alert, Button, Card, Divider, Form, Input, Segmented, Typography, theme } from 'antd';
import { lazy, Suspense, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask } from '../api/client';
import { Problem, textOf } from '../api/problem';
import { usePreferences } from '../app/preferences';
import { type Because, signIn } from '../app/session';
import { LookSwitch } from '../ui/LookSwitch';
import { keep, PhoneFields, type PhoneFilled } from './PhoneFields';
import { SmsLogin } from './SmsLogin';

const CertificateHelp = lazy(() =>
  import('./system/CertificateHelp').then(({ CertificateHelp }) => ({ default: CertificateHelp })),
);

/** How one may sign in here, and how this page came. */
const useWays = () => useQuery({ queryKey: ['ways'], queryFn: () => ask(api.GET('/api/v1/session/ways')) }).data;

interface Filled extends PhoneFilled {
  login: string;
  password: string;
  tenant?: string;
}

/** As the login log calls them. */
const LOGGED = { web: 'browser', desk: 'desk', none: undefined } as const;

export function Login({ because }: { because: Because | undefined }) {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  const [by, setBy] = useState<'password' | 'sms'>('password');
  const [isTold, setIsTold] = useState(true);
  const [isHelping, setIsHelping] = useState(false);
  const ways = useWays();
  if (isHelping) return <Help close={() => setIsHelping(false)} />;
  return (
    <div className="login" style={{ background: token.colorBgLayout }}>
      <div className="login-switch">
        <LookSwitch />
      </div>
      <Card className="login-card">
        <Typography.Title level={3} style={{ textAlign: 'center', marginTop: 0 }}>
          {t('product')}
        </Typography.Title>
        <Segmented
          block
          value={by}
          onChange={setBy}
          style={{ marginBottom: 16 }}
          aria-label={t('login.by')}
          options={[
            { value: 'password', label: t('login.byPassword') },
            { value: 'sms', label: t('login.bySms') },
          ]}
        />
        {because && isTold && (
          <Alert
            showIcon
            style={{ marginBottom: 16 }}
            type={because === 'passwordChanged' ? 'success' : 'warning'}
            title={t(`login.because.${because}`)}
          />
        )}
        {by === 'password' ? (
          <PasswordLogin tried={() => setIsTold(false)} />
        ) : (
          <SmsLogin tried={() => setIsTold(false)} />
        )}
        <ProviderLogin />
        {ways?.self_signed && (
          <Button type="link" block style={{ marginTop: 8 }} onClick={() => setIsHelping(true)}>
            {t('login.certificate')}
          </Button>
        )}
      </Card>
    </div>
  );
}

/** How the certificate that browsers warn about is trusted, for who cannot sign in to read it. */
function Help({ close }: { close: () => void }) {
  const { t } = useTranslation();
  return (
    <div style={{ maxWidth: 880, margin: '24px auto', padding: '0 16px' }}>
      <Button style={{ marginBottom: 16 }} onClick={close}>
        {t('login.back')}
      </Button>
      <Suspense>
        <CertificateHelp />
      </Suspense>
    </div>
  );
}

/** Where the server has a provider of OpenID Connect: the way there. */
function ProviderLogin() {
  const { t } = useTranslation();
  const { way } = usePreferences();
  const ways = useWays();
  if (!ways?.oidc) return null;
  const logged = LOGGED[way];
  return (
    <>
      <Divider plain>{t('login.or')}</Divider>
      <Button
        block
        size="large"
        icon={<LoginOutlined />}
        href={`/api/v1/session/oidc${logged ? `?sign_in=${logged}` : ''}`}
      >
        {t('login.byProvider', { name: ways.oidc })}
      </Button>
    </>
  );
}

function PasswordLogin({ tried }: { tried: () => void }) {
  const { t } = useTranslation();
  const { way, extension } = usePreferences();
  const [refused, setRefused] = useState<Problem>();
  const [isBusy, setIsBusy] = useState(false);
  const [form] = Form.useForm<Filled>();
  const [asksTenant, setAsksTenant] = useState(false);

  const submit = async (filled: Filled) => {
    setIsBusy(true);
    setRefused(undefined);
    keep(filled);
    tried();
    try {
      await signIn(filled.login.trim(), filled.password, filled.tenant?.trim(), LOGGED[filled.way]);
    } catch (error) {
      const problem = error instanceof Problem ? error : new Problem(0, undefined);
      if (problem.fields.some(({ field }) => field === 'tenant')) setAsksTenant(true);
      setRefused(problem);
      setIsBusy(false);
    }
  };

  const explained = (problem: Problem) => {
    if (problem.status === 401) return t('login.wrong');
    return problem.status === 429 ? t('login.tooMany') : textOf(problem);
  };

  return (
    <>
      {refused && <Alert showIcon style={{ marginBottom: 16 }} type="error" title={explained(refused)} />}
      <Form<Filled>
        form={form}
        layout="vertical"
        initialValues={{ way, extension }}
        onFinish={submit}
        requiredMark={false}
      >
        <Form.Item name="login" label={t('login.user')} rules={[{ required: true, message: t('login.userRequired') }]}>
          <Input prefix={<UserOutlined />} autoComplete="username" autoFocus />
        </Form.Item>
        <Form.Item
          name="password"
          label={t('login.password')}
          rules={[{ required: true, message: t('login.passwordRequired') }]}
        >
          <Input.Password prefix={<LockOutlined />} autoComplete="current-password" />
        </Form.Item>
        {asksTenant && (
          <Form.Item name="tenant" label={t('login.tenant')}>
            <Input autoComplete="organization" />
          </Form.Item>
        )}
        <PhoneFields />
        <Button type="primary" htmlType="submit" block size="large" loading={isBusy}>
          {t('login.submit')}
        </Button>
      </Form>
    </>
  );
}

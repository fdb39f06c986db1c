import { Alert, Button, Card, Typography, theme } from 'antd';
import { useTranslation } from 'react-i18next';
import { signOut } from '../app/session';
import { LookSwitch } from '../ui/LookSwitch';
import { PasswordForm } from './PasswordForm';

/** LOGIN-05: nothing else is possible with an administrator's password. */
export function ChangePassword() {
  const { t } = useTranslation();
  const { token } = theme.useToken();
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
        <PasswordForm isFirst />
        <Button type="link" block style={{ marginTop: 8 }} onClick={() => void signOut()}>
          {t('frame.logout')}
        </Button>
      </Card>
    </div>
  );
}

import {
  AudioOutlined,
  BellOutlined,
  InfoCircleOutlined,
  LogoutOutlined,
  MacCommandOutlined,
  SettingOutlined,
  UserOutlined,
} from '@ant-design/icons';
import { App, Button, Dropdown } from 'antd';
import { lazy, Suspense, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';
import { textOf } from '../api/problem';
import { wayOf } from '../desk/model';
import { signOutPhone } from '../desk/orders';
import { useDesk } from '../desk/store';
import { openMessages } from './messages';
import { may, signOut, useSession } from './session';
import { useShortcuts } from './shortcuts';

const AboutDialog = lazy(() => import('./AboutDialog').then(({ AboutDialog }) => ({ default: AboutDialog })));
const DeviceCheck = lazy(() => import('../bar/DeviceCheck').then(({ DeviceCheck }) => ({ default: DeviceCheck })));
const ShortcutList = lazy(() => import('./ShortcutList').then(({ ShortcutList }) => ({ default: ShortcutList })));

/** UI-05 and UI-06: the personal account, device check, and which keys do what. */
export function QuickMenu() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const session = useSession();
  const leave = useLeaving();
  // PHONE-16: the web phone's alone.
  const way = useDesk(({ desk }) => wayOf(desk?.agent));
  const hasDevices = may(session, 'extensions.use') && way !== 'desk';
  const [shown, setShown] = useState<'about' | 'devices' | 'keys'>();
  useShortcuts({ list: () => setShown('keys') });
  const devices = {
    key: 'devices',
    icon: <AudioOutlined />,
    label: t('frame.deviceCheck'),
    onClick: () => setShown('devices'),
  };
  const settings = { key: 'me', icon: <SettingOutlined />, label: t('menu.me'), onClick: () => navigate('/me') };
  const items = [
    { key: 'who', type: 'group' as const, label: `${t('frame.account')} ${session.login}` },
    ...(session.employee ? [settings] : []),
    { key: 'about', icon: <InfoCircleOutlined />, label: t('frame.about'), onClick: () => setShown('about') },
    { key: 'logout', icon: <LogoutOutlined />, label: t('frame.logout'), onClick: () => void leave() },
    { key: 'rest', type: 'divider' as const },
    { key: 'messages', icon: <BellOutlined />, label: t('messages.title'), onClick: openMessages },
    ...(hasDevices ? [devices] : []),
    { key: 'keys', icon: <MacCommandOutlined />, label: t('keys.title'), onClick: () => setShown('keys') },
  ];
  return (
    <>
      <Dropdown trigger={['click']} menu={{ items }}>
        <Button
          type="text"
          icon={<UserOutlined />}
          title={t('frame.quick')}
          data-testid="quick-menu"
          style={{ maxWidth: 160 }}
        >
          <span style={{ overflow: 'hidden', textOverflow: 'ellipsis' }}>{session.name ?? session.login}</span>
        </Button>
      </Dropdown>
      <Suspense>
        {shown === 'about' && <AboutDialog close={() => setShown(undefined)} />}
        {shown === 'devices' && <DeviceCheck close={() => setShown(undefined)} />}
        {shown === 'keys' && <ShortcutList close={() => setShown(undefined)} />}
      </Suspense>
    </>
  );
}

/** LOGIN-08: not during a call, and a mobile stays signed in. */
function useLeaving(): () => Promise<void> {
  const { message } = App.useApp();
  const { employee } = useSession();
  return async () => {
    try {
      const way = wayOf(useDesk.getState().desk?.agent);
      if (employee && (way === 'web' || way === 'desk')) await signOutPhone(employee);
      await signOut();
    } catch (error) {
      void message.error(textOf(error));
    }
  };
}

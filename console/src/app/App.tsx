import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { App as AntApp, ConfigProvider, Spin, theme } from 'antd';
import type { Locale } from 'antd/es/locale';
import zhCN from 'antd/locale/zh_CN';
import dayjs from 'dayjs';
import 'dayjs/locale/zh-cn';
import { lazy, type ReactNode, Suspense, useEffect, useState } from 'react';
import { BrowserRouter } from 'react-router';
import { Problem } from '../api/problem';
import { Crash } from '../ui/Crash';
import { Unreachable } from '../ui/States';
import { usePreferences } from './preferences';
import { resume, useStanding } from './session';
import { useStill } from './useStill';

const Shell = lazy(() => import('./Shell').then(({ Shell }) => ({ default: Shell })));
const Login = lazy(() => import('../pages/Login').then(({ Login }) => ({ default: Login })));
const ChangePassword = lazy(() =>
  import('../pages/ChangePassword').then(({ ChangePassword }) => ({ default: ChangePassword })),
);

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      refetchOnWindowFocus: false,
      // What the server refuses, it refuses again.
      retry: (count, error) => count < 2 && !(error instanceof Problem && error.status >= 400 && error.status < 500),
    },
  },
});

const LIGHT = {
  colorPrimary: '#0f5bd7',
  colorLink: '#0f5bd7',
  colorInfo: '#0f5bd7',
  // Text of 4.5:1 and more, also where antd has less of it.
  colorSuccess: '#237804',
  colorSuccessBg: '#f6ffed',
  colorSuccessBorder: '#b7eb8f',
  colorWarning: '#874d00',
  colorWarningBg: '#fffbe6',
  colorWarningBorder: '#ffe58f',
  colorError: '#cf1322',
  colorErrorBg: '#fff2f0',
  colorErrorBorder: '#ffccc7',
  colorTextDescription: 'rgba(0, 0, 0, 0.65)',
  colorTextTertiary: 'rgba(0, 0, 0, 0.65)',
  colorTextPlaceholder: 'rgba(0, 0, 0, 0.6)',
  borderRadius: 6,
  fontFamily: 'inherit',
};
/** A brighter blue, which is read on dark, and no black. */
const DARK = {
  borderRadius: LIGHT.borderRadius,
  fontFamily: LIGHT.fontFamily,
  colorPrimary: '#3f7ff0',
  colorInfo: '#6ea4ff',
  colorSuccess: '#73d13d',
  colorError: '#ff8080',
  colorTextDescription: 'rgba(255, 255, 255, 0.7)',
  colorTextTertiary: 'rgba(255, 255, 255, 0.7)',
  colorTextPlaceholder: 'rgba(255, 255, 255, 0.6)',
  colorLink: '#8ab6ff',
  colorBgBase: '#16181d',
  colorBgLayout: '#101216',
};

/** What is chosen, on dark. */
const CHOSEN = '#8ab6ff';
const DARK_PARTS = {
  Menu: { itemSelectedColor: CHOSEN, subMenuItemSelectedColor: CHOSEN },
  Tabs: { itemSelectedColor: CHOSEN, itemHoverColor: CHOSEN, itemActiveColor: CHOSEN },
};

export function App() {
  const isDark = usePreferences((preferences) => preferences.theme === 'dark');
  const isStill = useStill();
  const locale = useAntLocale();
  useEffect(() => {
    document.documentElement.style.colorScheme = isDark ? 'dark' : 'light';
  }, [isDark]);
  return (
    <ConfigProvider
      locale={locale}
      button={{ autoInsertSpace: false }}
      theme={{
        algorithm: isDark ? theme.darkAlgorithm : theme.defaultAlgorithm,
        token: { ...(isDark ? DARK : LIGHT), motion: !isStill },
        ...(isDark ? { components: DARK_PARTS } : {}),
      }}
    >
      <AntApp style={{ height: '100%' }} message={{ top: 64 }} notification={{ top: 64 }}>
        <QueryClientProvider client={queries}>
          <BrowserRouter>
            <Crash>
              <Suspense fallback={<Waiting />}>
                <Page />
              </Suspense>
            </Crash>
          </BrowserRouter>
        </QueryClientProvider>
      </AntApp>
    </ConfigProvider>
  );
}

function Page(): ReactNode {
  const standing = useStanding();
  switch (standing.kind) {
    case 'unknown':
      return <Waiting />;
    case 'unreachable':
      return <Unreachable problem={standing.problem} retry={() => void resume()} />;
    case 'out':
      return <Login because={standing.because} />;
    case 'in':
      return standing.session.password_change_required ? (
        <ChangePassword />
      ) : (
        <Shell key={`${standing.session.tenant} ${standing.session.login}`} />
      );
  }
}

function Waiting() {
  return (
    <div className="login">
      <Spin size="large" />
    </div>
  );
}

/** The words of antd's own parts. */
function useAntLocale(): Locale {
  const language = usePreferences((preferences) => preferences.language);
  const [english, setEnglish] = useState<Locale>();
  useEffect(() => {
    dayjs.locale(language === 'en' ? 'en' : 'zh-cn');
    if (language === 'en') void import('antd/locale/en_US').then(({ default: locale }) => setEnglish(locale));
  }, [language]);
  return language === 'en' && english ? english : zhCN;
}

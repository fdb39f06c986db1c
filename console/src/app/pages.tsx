import {
  DashboardOutlined,
  DesktopOutlined,
  FileTextOutlined,
  HomeOutlined,
  MessageOutlined,
  SettingOutlined,
  TeamOutlined,
} from '@ant-design/icons';
import { lazy } from 'react';
import { ASSISTANT } from './assistant';
import { organisationPages } from './organisationPages';
import type { Page } from './page';
import { may } from './session';
import { smsPages } from './smsPages';
import { telephonyPages } from './telephonyPages';

const Home = lazy(() => import('../pages/Home').then(({ Home }) => ({ default: Home })));
const Wallboard = lazy(() => import('../pages/Wallboard').then(({ Wallboard }) => ({ default: Wallboard })));
const AgentBoard = lazy(() => import('../pages/AgentBoard').then(({ AgentBoard }) => ({ default: AgentBoard })));
const QueueBoard = lazy(() => import('../pages/QueueBoard').then(({ QueueBoard }) => ({ default: QueueBoard })));

const home: Page = { path: '/', name: 'home', icon: <HomeOutlined />, draw: Home, isFor: () => true };

/** In the order and under the heads of the manual's menu (UI-09). */
export const PAGES: readonly Page[] = [
  home,
  ...ASSISTANT,
  {
    path: '/wallboard',
    name: 'wallboard',
    group: 'monitoring',
    icon: <DashboardOutlined />,
    draw: Wallboard,
    isFor: (session) => may(session, 'wallboard.read'),
  },
  {
    path: '/agent-board',
    name: 'agentBoard',
    group: 'monitoring',
    icon: <TeamOutlined />,
    draw: AgentBoard,
    isFor: (session) => may(session, 'wallboard.read'),
  },
  {
    path: '/queue-board',
    name: 'queueBoard',
    group: 'monitoring',
    icon: <DesktopOutlined />,
    draw: QueueBoard,
    isFor: (session) => may(session, 'wallboard.read'),
  },
  ...smsPages,
  ...organisationPages,
  ...telephonyPages,
];

/** The heads of the menu, in its order. */
export const GROUPS = [
  { name: 'assistant', icon: <FileTextOutlined /> },
  { name: 'sms', icon: <MessageOutlined /> },
  { name: 'monitoring', icon: <DashboardOutlined /> },
  { name: 'settings', icon: <SettingOutlined /> },
] as const;

const ID = '/:id';

/** What a path is about, where its page is about a single thing. */
export function idAt(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

export function pageAt(path: string): Page | undefined {
  const above = path.slice(0, path.lastIndexOf('/'));
  return (
    PAGES.find((page) => page.path === path) ?? PAGES.find((page) => page.path === above + ID && idAt(path) !== '')
  );
}

/** Whether a page stands in the menu. */
export function isInMenu({ path }: Page): boolean {
  return !path.endsWith(ID);
}

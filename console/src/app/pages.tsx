import { DashboardOutlined, DesktopOutlined, FileTextOutlined, HomeOutlined, TeamOutlined } from '@ant-design/icons';
import { type ComponentType, lazy, type ReactNode } from 'react';
import type { Words } from '../i18n/zh-CN';
import { ASSISTANT } from './assistant';
import { may, type Session } from './session';

const Home = lazy(() => import('../pages/Home').then(({ Home }) => ({ default: Home })));
const Wallboard = lazy(() => import('../pages/Wallboard').then(({ Wallboard }) => ({ default: Wallboard })));
const AgentBoard = lazy(() => import('../pages/AgentBoard').then(({ AgentBoard }) => ({ default: AgentBoard })));
const QueueBoard = lazy(() => import('../pages/QueueBoard').then(({ QueueBoard }) => ({ default: QueueBoard })));

/** A page of the console: where it is, how it is called, who sees it. */
export interface Page {
  /** Where it is; one that is about a single thing ends with `/:id`. */
  path: string;
  name: keyof Words['menu'];
  icon: ReactNode;
  /** Under which head of the menu; the home desk stands alone, and pages about a single thing stand in no menu. */
  group?: 'assistant' | 'monitoring';
  draw: ComponentType<{ path: string }>;
  isFor: (session: Session) => boolean;
}

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
];

export const GROUP_ICONS = { assistant: <FileTextOutlined />, monitoring: <DashboardOutlined /> } as const;

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

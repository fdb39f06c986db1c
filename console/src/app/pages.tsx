import {
  ClockCircleOutlined,
  DashboardOutlined,
  DesktopOutlined,
  FileTextOutlined,
  HomeOutlined,
  MessageOutlined,
  PhoneOutlined,
  SettingOutlined,
  TeamOutlined,
  UnorderedListOutlined,
} from '@ant-design/icons';
import { lazy } from 'react';
import { organisationPages } from './organisationPages';
import type { Page } from './page';
import { may } from './session';
import { smsPages } from './smsPages';
import { telephonyPages } from './telephonyPages';

const Home = lazy(() => import('../pages/Home').then(({ Home }) => ({ default: Home })));
const CallRecords = lazy(() => import('../pages/CallRecords').then(({ CallRecords }) => ({ default: CallRecords })));
const MissedCalls = lazy(() => import('../pages/MissedCalls').then(({ MissedCalls }) => ({ default: MissedCalls })));
const AgentStates = lazy(() => import('../pages/AgentStates').then(({ AgentStates }) => ({ default: AgentStates })));
const Wallboard = lazy(() => import('../pages/Wallboard').then(({ Wallboard }) => ({ default: Wallboard })));
const AgentBoard = lazy(() => import('../pages/AgentBoard').then(({ AgentBoard }) => ({ default: AgentBoard })));
const QueueBoard = lazy(() => import('../pages/QueueBoard').then(({ QueueBoard }) => ({ default: QueueBoard })));

const home: Page = { path: '/', name: 'home', icon: <HomeOutlined />, draw: Home, isFor: () => true };

/** In the order and under the heads of the manual's menu (UI-09). */
export const PAGES: readonly Page[] = [
  home,
  {
    path: '/call-records',
    name: 'callRecords',
    group: 'assistant',
    icon: <UnorderedListOutlined />,
    draw: CallRecords,
    isFor: (session) => may(session, 'call_records.read'),
  },
  {
    path: '/missed-calls',
    name: 'missedCalls',
    group: 'assistant',
    icon: <PhoneOutlined />,
    draw: MissedCalls,
    isFor: (session) => may(session, 'missed_offers.read') || may(session, 'call.dial'),
  },
  {
    path: '/agent-states',
    name: 'agentStates',
    group: 'assistant',
    icon: <ClockCircleOutlined />,
    draw: AgentStates,
    isFor: (session) => may(session, 'agent_states.read'),
  },
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

export function pageAt(path: string): Page | undefined {
  return PAGES.find((page) => page.path === path);
}

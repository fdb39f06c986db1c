import {
  AudioOutlined,
  ClockCircleOutlined,
  DisconnectOutlined,
  DownloadOutlined,
  LoginOutlined,
  MobileOutlined,
  PhoneOutlined,
  SettingOutlined,
  UnorderedListOutlined,
} from '@ant-design/icons';
import { lazy } from 'react';
import type { Page } from './page';
import { may } from './session';

const CallRecords = lazy(() => import('../pages/CallRecords').then(({ CallRecords }) => ({ default: CallRecords })));
const CallDetail = lazy(() => import('../pages/CallDetail').then(({ CallDetail }) => ({ default: CallDetail })));
const MissedCalls = lazy(() => import('../pages/MissedCalls').then(({ MissedCalls }) => ({ default: MissedCalls })));
const LostCalls = lazy(() => import('../pages/LostCalls').then(({ LostCalls }) => ({ default: LostCalls })));
const LostAnswered = lazy(() =>
  import('../pages/LostAnswered').then(({ LostAnswered }) => ({ default: LostAnswered })),
);
const Voicemails = lazy(() => import('../pages/Voicemails').then(({ Voicemails }) => ({ default: Voicemails })));
const Tasks = lazy(() => import('../pages/Tasks').then(({ Tasks }) => ({ default: Tasks })));
const AgentStates = lazy(() => import('../pages/AgentStates').then(({ AgentStates }) => ({ default: AgentStates })));
const Logins = lazy(() => import('../pages/Logins').then(({ Logins }) => ({ default: Logins })));
const Me = lazy(() => import('../pages/Me').then(({ Me }) => ({ default: Me })));

/** The assistant, in the order of the manual's menu (UI-09). */
export const ASSISTANT: readonly Page[] = [
  {
    path: '/call-records',
    name: 'callRecords',
    group: 'assistant',
    icon: <UnorderedListOutlined />,
    draw: CallRecords,
    isFor: (session) => may(session, 'crm.call_records.read') || may(session, 'call_records.read'),
  },
  {
    path: '/call-records/:id',
    name: 'callDetail',
    icon: <PhoneOutlined />,
    draw: CallDetail,
    isFor: (session) => may(session, 'call_records.read'),
  },
  {
    path: '/missed-calls',
    name: 'missedCalls',
    group: 'assistant',
    icon: <PhoneOutlined />,
    draw: MissedCalls,
    isFor: (session) =>
      may(session, 'crm.missed_calls.read') || may(session, 'missed_offers.read') || may(session, 'call.dial'),
  },
  {
    path: '/me',
    name: 'me',
    group: 'assistant',
    icon: <SettingOutlined />,
    draw: Me,
    isFor: (session) => Boolean(session.employee),
  },
  {
    path: '/lost-calls',
    name: 'lostCalls',
    group: 'assistant',
    icon: <DisconnectOutlined />,
    draw: LostCalls,
    isFor: (session) => may(session, 'crm.lost_calls.read'),
  },
  {
    path: '/voicemails',
    name: 'voicemails',
    group: 'assistant',
    icon: <AudioOutlined />,
    draw: Voicemails,
    isFor: (session) => may(session, 'voicemails.read') || may(session, 'call.dial'),
  },
  {
    path: '/tasks',
    name: 'tasks',
    group: 'assistant',
    icon: <DownloadOutlined />,
    draw: Tasks,
    isFor: () => true,
  },
  {
    path: '/lost-answered',
    name: 'lostAnswered',
    group: 'assistant',
    icon: <MobileOutlined />,
    draw: LostAnswered,
    isFor: (session) => may(session, 'crm.lost_answered.read'),
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
    path: '/logins',
    name: 'logins',
    group: 'assistant',
    icon: <LoginOutlined />,
    draw: Logins,
    isFor: (session) => may(session, 'logins.read'),
  },
];

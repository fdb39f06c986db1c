import {
  ApartmentOutlined,
  AudioOutlined,
  ClusterOutlined,
  CustomerServiceOutlined,
  FieldTimeOutlined,
  NodeIndexOutlined,
  PhoneOutlined,
  RocketOutlined,
  SmileOutlined,
  StarOutlined,
  UserSwitchOutlined,
  VideoCameraOutlined,
} from '@ant-design/icons';
import { lazy, type ReactNode } from 'react';
import { maySetUp, SETUP_PATH } from '../pages/setup/firstRun';
import type { Page } from './page';
import { may, type Permission } from './session';

const Setup = lazy(() => import('../pages/setup/Setup').then((it) => ({ default: it.Setup })));
const Extensions = lazy(() => import('../pages/telephony/Extensions').then((it) => ({ default: it.Extensions })));
const AgentSettings = lazy(() =>
  import('../pages/telephony/AgentSettings').then((it) => ({ default: it.AgentSettings })),
);
const Queues = lazy(() => import('../pages/telephony/Queues').then((it) => ({ default: it.Queues })));
const Flows = lazy(() => import('../pages/telephony/Flows').then((it) => ({ default: it.Flows })));
const FlowDetail = lazy(() => import('../pages/telephony/Flows').then((it) => ({ default: it.FlowDetail })));
const Trunks = lazy(() => import('../pages/telephony/Trunks').then((it) => ({ default: it.Trunks })));
const Routes = lazy(() => import('../pages/telephony/Routes').then((it) => ({ default: it.Routes })));
const OpeningHours = lazy(() => import('../pages/telephony/Hours').then((it) => ({ default: it.OpeningHours })));
const Prompts = lazy(() => import('../pages/telephony/Prompts').then((it) => ({ default: it.Prompts })));
const Surveys = lazy(() => import('../pages/telephony/Surveys').then((it) => ({ default: it.Surveys })));
const KnownCallers = lazy(() => import('../pages/telephony/KnownCallers').then((it) => ({ default: it.KnownCallers })));
const Rooms = lazy(() => import('../pages/telephony/Rooms').then((it) => ({ default: it.Rooms })));

/** For who sets it: an agent sees queues and extensions to call them, not to look at how they are set. */
function page(path: string, name: Page['name'], icon: ReactNode, key: Permission, draw: Page['draw']): Page {
  return {
    path: `/settings/${path}`,
    name,
    icon,
    group: 'settings',
    section: 'telephony',
    draw,
    isFor: (session) => may(session, key),
  };
}

/** Numbers, what callers go through, and who takes calls (QUEUE-08). */
export const telephonyPages: readonly Page[] = [
  {
    path: SETUP_PATH,
    name: 'setup',
    icon: <RocketOutlined />,
    group: 'settings',
    section: 'telephony',
    draw: Setup,
    isFor: maySetUp,
  },
  page('extensions', 'extensions', <PhoneOutlined />, 'extensions.write', Extensions),
  page('agents', 'agentSettings', <UserSwitchOutlined />, 'agents.write', AgentSettings),
  page('queues', 'queueSettings', <CustomerServiceOutlined />, 'queues.write', Queues),
  page('trunks', 'trunks', <ClusterOutlined />, 'trunks.write', Trunks),
  page('routes', 'routes', <NodeIndexOutlined />, 'routes.write', Routes),
  page('flows', 'flows', <ApartmentOutlined />, 'flows.write', Flows),
  {
    path: '/settings/flows/:id',
    name: 'flowDetail',
    icon: <ApartmentOutlined />,
    draw: FlowDetail,
    isFor: (session) => may(session, 'flows.write'),
  },
  page('hours', 'hours', <FieldTimeOutlined />, 'hours.write', OpeningHours),
  page('prompts', 'prompts', <AudioOutlined />, 'prompts.write', Prompts),
  page('surveys', 'surveys', <SmileOutlined />, 'surveys.write', Surveys),
  page('known-callers', 'knownCallers', <StarOutlined />, 'callers.write', KnownCallers),
  page('rooms', 'rooms', <VideoCameraOutlined />, 'rooms.write', Rooms),
];

import type { DataNode } from 'antd/es/tree';
import type { Session } from '../../app/session';

/** The parts that the permission keys are shown in. */
export const AREAS = ['people', 'calls', 'agents', 'telephony', 'customers', 'system', 'other'] as const;
export type Area = (typeof AREAS)[number];

/** By the first part of a key. */
const OBJECTS: Record<string, Area> = {
  departments: 'people',
  employees: 'people',
  roles: 'people',
  call: 'calls',
  calls: 'calls',
  call_records: 'calls',
  call_ladders: 'calls',
  recordings: 'calls',
  voicemails: 'calls',
  missed_offers: 'calls',
  conferences: 'calls',
  agents: 'agents',
  agent_states: 'agents',
  wallboard: 'agents',
  logins: 'agents',
  telephony: 'telephony',
  extensions: 'telephony',
  registrations: 'telephony',
  trunks: 'telephony',
  routes: 'telephony',
  queues: 'telephony',
  flows: 'telephony',
  hours: 'telephony',
  prompts: 'telephony',
  surveys: 'telephony',
  rooms: 'telephony',
  callers: 'telephony',
  blocks: 'telephony',
  crm: 'customers',
  tenants: 'system',
  tokens: 'system',
  webhooks: 'system',
  events: 'system',
  audit: 'system',
  bans: 'system',
  tasks: 'system',
  system: 'system',
  metrics: 'system',
};

export function areaOf(key: string): Area {
  return OBJECTS[key.slice(0, key.indexOf('.'))] ?? 'other';
}

/** Stands for all permissions there are and will be. */
export const EVERYTHING = '*';

/** Whether one has it oneself: nobody gives away what he does not have. */
export function has(session: Session, key: string): boolean {
  return session.permissions.includes(EVERYTHING) || session.permissions.includes(key);
}

/** The tree of what may be ticked: areas, and in them the keys by their objects. */
export function permissionTree(
  keys: readonly { key: string; title: string }[],
  words: (area: Area) => string,
  isMine: (key: string) => boolean,
): DataNode[] {
  return AREAS.flatMap((area) => {
    const children = keys
      .filter(({ key }) => areaOf(key) === area)
      .map(({ key, title }) => ({ key, title, disableCheckbox: !isMine(key) }));
    if (children.length === 0) return [];
    return [{ key: `area ${area}`, title: words(area), children }];
  });
}

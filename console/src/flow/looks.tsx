import {
  ApartmentOutlined,
  BranchesOutlined,
  CloudServerOutlined,
  CustomerServiceOutlined,
  EditOutlined,
  ExportOutlined,
  FormOutlined,
  GlobalOutlined,
  MessageOutlined,
  NumberOutlined,
  PhoneOutlined,
  PoweroffOutlined,
  RollbackOutlined,
  SmileOutlined,
  SoundOutlined,
  TeamOutlined,
  UserOutlined,
} from '@ant-design/icons';
import type { ReactNode } from 'react';
import type { Kind, Node, Spoken } from './model';

/** A colour for what a step is about: what is said, what is decided, who is rung, how it ends. */
const [SAID, DECIDED, RUNG, LEFT, ENDED] = ['#1677ff', '#722ed1', '#13a8a8', '#d48806', '#8c8c8c'];

export const LOOKS: Record<Kind, { colour: string; icon: ReactNode }> = {
  play: { colour: SAID, icon: <SoundOutlined /> },
  say: { colour: SAID, icon: <FormOutlined /> },
  menu: { colour: DECIDED, icon: <NumberOutlined /> },
  collect: { colour: DECIDED, icon: <EditOutlined /> },
  set: { colour: DECIDED, icon: <FormOutlined /> },
  condition: { colour: DECIDED, icon: <BranchesOutlined /> },
  lookup: { colour: DECIDED, icon: <CloudServerOutlined /> },
  queue: { colour: RUNG, icon: <CustomerServiceOutlined /> },
  extension: { colour: RUNG, icon: <PhoneOutlined /> },
  agent: { colour: RUNG, icon: <UserOutlined /> },
  outside: { colour: RUNG, icon: <GlobalOutlined /> },
  voicemail: { colour: LEFT, icon: <MessageOutlined /> },
  survey: { colour: LEFT, icon: <SmileOutlined /> },
  conference: { colour: LEFT, icon: <TeamOutlined /> },
  subflow: { colour: DECIDED, icon: <ApartmentOutlined /> },
  return: { colour: ENDED, icon: <RollbackOutlined /> },
  hang_up: { colour: ENDED, icon: <PoweroffOutlined /> },
};
export const EXIT_ICON = <ExportOutlined />;

function spoken(parts: Spoken[] | undefined): string {
  return (parts ?? [])
    .map((part) => {
      if (typeof part === 'string') return part;
      if ('silence_ms' in part) return `${part.silence_ms} ms`;
      return Object.values(part).join('');
    })
    .join(', ');
}

/** What is special about a node, in a few words. */
export function about(node: Node): string {
  switch (node.step) {
    case 'play':
      return node.prompts.join(', ');
    case 'say':
      return spoken(node.parts);
    case 'menu':
    case 'collect':
      return spoken(node.prompt);
    case 'set':
      return Object.entries(node.values)
        .map(([name, value]) => `${name} = ${value}`)
        .join(', ');
    case 'condition':
      return node.cases.map(({ when }) => when.map((test) => Object.keys(test)[0]).join(' + ')).join(' | ');
    case 'lookup':
      return node.url;
    case 'queue':
      return node.queue;
    case 'extension':
    case 'agent':
    case 'outside':
      return node.number;
    case 'voicemail':
      return node.mailbox;
    case 'survey':
      return node.survey;
    case 'conference':
      return node.room;
    case 'subflow':
      return node.flow;
    case 'return':
      return '';
    case 'hang_up':
      return spoken(node.parts);
  }
}

/** So much of a text as fits; what stands in Chinese is twice as wide. */
export function clip(text: string, units: number): string {
  let taken = 0;
  let shown = '';
  for (const character of text) {
    taken += (character.codePointAt(0) ?? 0) > 0x2e80 ? 2 : 1;
    if (taken > units) return `${shown}…`;
    shown += character;
  }
  return shown;
}

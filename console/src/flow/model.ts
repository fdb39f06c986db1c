/** A flow as the server keeps it (IVR-03); its words are those of `dialplan/src/flow/node.rs`. */
export interface Flow {
  name: string;
  title?: string;
  start: string;
  inputs?: string[];
  nodes: Record<string, Node>;
}

/** A prompt by name, or a number, digits, a tone or a pause. */
export type Spoken = string | { number: string } | { digits: string } | { tone: Tone } | { silence_ms: number };
export const TONES = ['ringback', 'busy', 'congestion', 'dial', 'confirm', 'beep'] as const;
export type Tone = (typeof TONES)[number];

export const COMPARISONS = ['equal', 'not_equal', 'at_least', 'at_most'] as const;
export type Comparison = (typeof COMPARISONS)[number];
export const FIGURES = ['waiting', 'longest_wait_s', 'signed_in', 'idle'] as const;
export const OPENINGS = ['open', 'closed', 'holiday'] as const;
export const WEEK_DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type WeekDay = (typeof WEEK_DAYS)[number];

export type Test =
  | { hours: { name: string; is?: (typeof OPENINGS)[number] } }
  | { time: { zone: string; days?: WeekDay[]; between: string } }
  | { caller: { prefix: string } }
  | { variable: { name: string; is: Comparison; value: string } }
  | { queue: { name: string; figure: (typeof FIGURES)[number]; is: Comparison; value: number } };
export const TESTS = ['hours', 'time', 'caller', 'variable', 'queue'] as const;

export const CAUSES = ['normal', 'busy', 'rejected', 'failure'] as const;

export interface Case {
  when: Test[];
  go: string;
}

interface Ring {
  number: string;
  ring_s?: number;
  answered?: string;
  busy?: string;
  no_answer?: string;
  failed: string;
}

/** What each kind of step has beside its kind. */
export interface Steps {
  play: { prompts: string[]; barge_in?: boolean; next: string };
  say: { parts: Spoken[]; barge_in?: boolean; next: string };
  menu: {
    prompt: Spoken[];
    wrong?: Spoken[];
    silent?: Spoken[];
    keys: Record<string, string>;
    tries?: number;
    timeout_s?: number;
    no_choice: string;
  };
  collect: {
    prompt: Spoken[];
    wrong?: Spoken[];
    into: string;
    min?: number;
    max?: number;
    tries?: number;
    timeout_s?: number;
    next: string;
    failed: string;
  };
  set: { values: Record<string, string>; next: string };
  condition: { cases: Case[]; otherwise: string };
  lookup: {
    url: string;
    timeout_ms?: number;
    fields: Record<string, { pointer: string; default?: string }>;
    next: string;
    failed?: string;
  };
  queue: {
    queue: string;
    priority?: number;
    answered?: string;
    max_wait?: string;
    full?: string;
    nobody?: string;
    keys?: Record<string, string>;
  };
  extension: Ring;
  agent: Ring;
  outside: Ring;
  voicemail: { mailbox: string; greeting?: Spoken[]; next?: string };
  survey: { survey: string; next?: string };
  conference: { room: string; next?: string };
  subflow: { flow: string; next?: string };
  return: object;
  hang_up: { parts?: Spoken[]; cause?: (typeof CAUSES)[number] };
}

export type Kind = keyof Steps;
export type Node = { [K in Kind]: { step: K } & Steps[K] }[Kind];
export type NodeOf<K extends Kind> = Extract<Node, { step: K }>;

/** In the order in which they are offered. */
export const KINDS: readonly Kind[] = [
  'play',
  'say',
  'menu',
  'collect',
  'condition',
  'set',
  'lookup',
  'queue',
  'agent',
  'extension',
  'outside',
  'voicemail',
  'survey',
  'conference',
  'subflow',
  'return',
  'hang_up',
];

export const KEYS = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '0', '#'] as const;

/** A name that no node has: an exit that leads nowhere yet, or a thing that is not chosen. The server takes it in drafts, and names it as a problem. */
export const OPEN = '-';

export const NAME = /^[a-z0-9_-]{1,64}$/;
export const VARIABLE = /^[a-z][a-z0-9_]{0,31}$/;

/** What there is in this centre that a flow may name. */
export interface Things {
  prompts: string[];
  queues: string[];
  hours: string[];
  surveys: string[];
  rooms: string[];
  flows: string[];
  extensions: string[];
  agents: string[];
}

/** A new step, connected to nothing. It is whole enough to be saved in a draft. */
export function fresh(kind: Kind, things: Things): Node {
  const ring = { number: '', failed: OPEN };
  const first = (all: string[]) => all[0] ?? OPEN;
  const made: { [K in Kind]: Steps[K] } = {
    play: { prompts: ['ivr_welcome'], next: OPEN },
    say: { parts: ['ivr_welcome'], next: OPEN },
    menu: {
      prompt: ['main_menu'],
      wrong: ['ivr_invalid'],
      silent: ['ivr_no_input'],
      keys: { 1: OPEN },
      no_choice: OPEN,
    },
    collect: { prompt: ['ivr_enter_extension'], into: 'digits', min: 1, max: 8, next: OPEN, failed: OPEN },
    set: { values: { language: 'zh-CN' }, next: OPEN },
    condition: { cases: [{ when: [{ hours: { name: first(things.hours), is: 'open' } }], go: OPEN }], otherwise: OPEN },
    lookup: { url: 'https://', fields: { customer: { pointer: '/name', default: '' } }, next: OPEN, failed: OPEN },
    queue: { queue: first(things.queues) },
    extension: { ...ring, number: things.extensions[0] ?? '' },
    agent: { ...ring, number: things.agents[0] ?? '' },
    outside: ring,
    voicemail: { mailbox: things.queues[0] ? `queue:${things.queues[0]}` : `queue:${OPEN}` },
    survey: { survey: first(things.surveys) },
    conference: { room: first(things.rooms) },
    subflow: { flow: first(things.flows) },
    return: {},
    hang_up: {},
  };
  return { step: kind, ...made[kind] } as Node;
}

export function isSilent({ step }: Node): boolean {
  return step === 'condition' || step === 'set' || step === 'subflow' || step === 'return';
}

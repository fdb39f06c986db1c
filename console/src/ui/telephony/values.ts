/** What a field left empty sends: `null`, also in what is nested. Texts lose the blanks around them. */
export function tidy<T>(values: T): T {
  const one = (value: unknown): unknown => {
    if (value === undefined || value === null) return null;
    if (typeof value === 'string') return value.trim() === '' ? null : value.trim();
    if (Array.isArray(value)) return value.map(one);
    return typeof value === 'object'
      ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, one(inner)]))
      : value;
  };
  return one(values) as T;
}

/** For something new: what is left empty is left out, and has the server's default. */
export function filled<T>(values: T): T {
  const one = (value: unknown): unknown => {
    if (value === null || typeof value !== 'object') return value;
    if (Array.isArray(value)) return value.map(one);
    const pairs = Object.entries(value).filter(([, inner]) => inner !== null);
    return Object.fromEntries(pairs.map(([key, inner]) => [key, one(inner)]));
  };
  return one(tidy(values)) as T;
}

/** Where a call leads, as routes and queues write it: `queue:support`, `1001`, `voicemail:queue:support`, `echo`. */
export type PlaceKind =
  | 'extension'
  | 'queue'
  | 'flow'
  | 'room'
  | 'number'
  | 'voicemail_queue'
  | 'voicemail_extension'
  | 'echo';
export interface Place {
  kind: PlaceKind;
  name: string;
}

const PREFIXES: readonly (readonly [PlaceKind, string])[] = [
  ['voicemail_queue', 'voicemail:queue:'],
  ['voicemail_extension', 'voicemail:extension:'],
  ['queue', 'queue:'],
  ['flow', 'flow:'],
  ['room', 'room:'],
  ['number', 'number:'],
];

export function placeOf(text: string): Place {
  if (text === 'echo') return { kind: 'echo', name: '' };
  for (const [kind, prefix] of PREFIXES) if (text.startsWith(prefix)) return { kind, name: text.slice(prefix.length) };
  return { kind: 'extension', name: text };
}

export function written({ kind, name }: Place): string {
  if (kind === 'echo') return 'echo';
  return `${PREFIXES.find(([one]) => one === kind)?.[1] ?? ''}${name}`;
}

/** A step of a queue's overflow: `queue:sales`, `number:138...`, `flow:night`, `voicemail`, `prompt:queue_busy`. */
export type StepKind = 'queue' | 'number' | 'flow' | 'voicemail' | 'prompt';
export function stepOf(text: string): { kind: StepKind; name: string } {
  const [kind, ...rest] = text.split(':');
  return { kind: kind as StepKind, name: rest.join(':') };
}
export function stepWritten(kind: StepKind, name: string): string {
  return kind === 'voicemail' ? 'voicemail' : `${kind}:${name}`;
}

export const SLUG = /^[a-z0-9_-]{1,64}$/;

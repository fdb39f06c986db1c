import { type Flow, KEYS, type Node, OPEN } from './model';

/** A way out of a node: which one, where it leads (`undefined`: it is not written, and need not be). */
export interface Exit {
  /** `next`, `failed`, `key 1`, `case 0`, ... */
  slot: string;
  to: string | undefined;
}

const RING = ['answered', 'busy', 'no_answer'] as const;

/** All ways out, also those that may be written and are not. */
export function exits(node: Node): Exit[] {
  const of = (slot: string, to: string | undefined): Exit => ({ slot, to });
  const keys = (all: Record<string, string> | undefined) =>
    KEYS.filter((key) => all?.[key] !== undefined).map((key) => of(`key ${key}`, all?.[key]));
  switch (node.step) {
    case 'play':
    case 'say':
    case 'set':
    case 'voicemail':
    case 'survey':
    case 'conference':
    case 'subflow':
      return [of('next', node.next)];
    case 'menu':
      return [...keys(node.keys), of('no_choice', node.no_choice)];
    case 'collect':
    case 'lookup':
      return [of('next', node.next), of('failed', node.failed)];
    case 'condition':
      return [...node.cases.map(({ go }, at) => of(`case ${at}`, go)), of('otherwise', node.otherwise)];
    case 'queue':
      return [
        ...(['answered', 'max_wait', 'full', 'nobody'] as const).map((slot) => of(slot, node[slot])),
        ...keys(node.keys),
      ];
    case 'extension':
    case 'agent':
    case 'outside':
      return [...RING.map((slot) => of(slot, node[slot])), of('failed', node.failed)];
    case 'return':
    case 'hang_up':
      return [];
  }
}

/** Those that have to lead somewhere. */
export function isRequired(node: Node, slot: string): boolean {
  switch (node.step) {
    case 'play':
    case 'say':
    case 'set':
      return slot === 'next';
    case 'menu':
    case 'condition':
      return true;
    case 'collect':
      return true;
    case 'lookup':
      return slot === 'next';
    case 'queue':
      return slot.startsWith('key ');
    case 'extension':
    case 'agent':
    case 'outside':
      return slot === 'failed';
    case 'voicemail':
    case 'survey':
    case 'conference':
    case 'subflow':
    case 'return':
    case 'hang_up':
      return false;
  }
}

/** The same node, one way out leading elsewhere; `undefined` takes it away where it need not be. */
export function lead(node: Node, slot: string, to: string | undefined): Node {
  const where = to ?? (isRequired(node, slot) ? OPEN : undefined);
  const [kind, which] = slot.split(' ');
  if (kind === 'key' && which !== undefined && (node.step === 'menu' || node.step === 'queue')) {
    return { ...node, keys: { ...node.keys, [which]: where ?? OPEN } };
  }
  if (kind === 'case' && node.step === 'condition') {
    const at = Number(which);
    return { ...node, cases: node.cases.map((one, nth) => (nth === at ? { ...one, go: where ?? OPEN } : one)) };
  }
  const changed = { ...node } as Record<string, unknown>;
  if (where === undefined) delete changed[slot];
  else changed[slot] = where;
  return changed as unknown as Node;
}

/** Every way that led to one node leads to another one; `undefined`: nowhere. */
function leadAll(node: Node, from: string, to: string | undefined): Node {
  return exits(node).reduce((seen, exit) => (exit.to === from ? lead(seen, exit.slot, to) : seen), node);
}

export function freeName(flow: Flow, wanted: string): string {
  if (!flow.nodes[wanted]) return wanted;
  let nth = 2;
  while (flow.nodes[`${wanted}_${nth}`]) nth += 1;
  return `${wanted}_${nth}`;
}

const withNodes = (flow: Flow, nodes: Record<string, Node>): Flow => ({ ...flow, nodes });

export function put(flow: Flow, name: string, node: Node): Flow {
  return withNodes(flow, { ...flow.nodes, [name]: node });
}

/** Takes a node out; what led to it leads where its only way out led, else nowhere. */
export function remove(flow: Flow, name: string): Flow {
  const gone = flow.nodes[name];
  if (!gone || Object.keys(flow.nodes).length === 1) return flow;
  const on = new Set(exits(gone).flatMap(({ to }) => (to !== undefined && to !== name && flow.nodes[to] ? [to] : [])));
  const heir = on.size === 1 ? [...on][0] : undefined;
  const left = Object.entries(flow.nodes).filter(([other]) => other !== name);
  const nodes = Object.fromEntries(left.map(([other, node]) => [other, leadAll(node, name, heir)]));
  const start = flow.start === name ? (heir ?? Object.keys(nodes)[0] ?? OPEN) : flow.start;
  return { ...flow, start, nodes };
}

export function rename(flow: Flow, from: string, to: string): Flow {
  if (from === to || flow.nodes[to]) return flow;
  const nodes = Object.fromEntries(
    Object.entries(flow.nodes).map(([name, node]) => [name === from ? to : name, leadAll(node, from, to)]),
  );
  return { ...flow, start: flow.start === from ? to : flow.start, nodes };
}

import { expect, test } from 'vitest';
import { exits, isRequired, lead, remove, rename } from './exits';
import { step } from './history';
import { layout, shownExits, WIDTH } from './layout';
import { type Flow, fresh, KINDS, OPEN } from './model';
import { walked } from './walked';

const NOTHING = {
  prompts: [],
  queues: [],
  hours: [],
  surveys: [],
  rooms: [],
  flows: [],
  extensions: [],
  agents: [],
};

const MAIN: Flow = {
  name: 'main',
  start: 'hours',
  nodes: {
    hours: {
      step: 'condition',
      cases: [{ when: [{ hours: { name: 'office' } }], go: 'welcome' }],
      otherwise: 'closed',
    },
    welcome: { step: 'play', prompts: ['ivr_welcome'], next: 'menu' },
    menu: {
      step: 'menu',
      prompt: ['main_menu'],
      keys: { 1: 'support', 2: 'ring', 9: 'welcome' },
      no_choice: 'support',
    },
    support: { step: 'queue', queue: 'support', max_wait: 'message' },
    ring: { step: 'extension', number: '1001', failed: 'support' },
    closed: { step: 'play', prompts: ['ivr_closed'], next: 'message' },
    message: { step: 'voicemail', mailbox: 'queue:support' },
    lost: { step: 'hang_up' },
  },
};

const laid = (flow: Flow) =>
  layout(
    flow,
    shownExits(flow, (name, slot) => {
      const node = flow.nodes[name];
      return node !== undefined && isRequired(node, slot);
    }),
  );

test('no two nodes overlap, ways lead to the right, and those back do not', () => {
  const { boxes, ways } = laid(MAIN);
  const all = [...boxes.values()];
  for (const [nth, one] of all.entries()) {
    for (const other of all.slice(nth + 1)) {
      const apart = one.y + one.height <= other.y || other.y + other.height <= one.y;
      expect(Math.abs(one.x - other.x) >= WIDTH || apart).toBe(true);
    }
  }
  const back = ways.filter((way) => way.back).map(({ from, to }) => `${from} ${to}`);
  expect(back).toEqual(['menu welcome']);
  for (const { from, to, back } of ways) {
    if (!back) expect(boxes.get(from)?.rank).toBeLessThan(boxes.get(to)?.rank ?? 0);
  }
  expect(ways.length).toBe(Object.values(MAIN.nodes).flatMap((node) => exits(node).filter(({ to }) => to)).length);
  expect(boxes.get('lost')?.reached).toBe(false);
});

test('ways pass between the nodes of the columns that they cross', () => {
  const { boxes, ways } = laid(MAIN);
  for (const { from, to, points, back } of ways) {
    if (back) continue;
    for (const point of points.slice(1, -1)) {
      const hit = [...boxes].filter(([, box]) => box.x === point.x && point.y > box.y && point.y < box.y + box.height);
      expect(hit, `${from} ${to}`).toEqual([]);
    }
  }
});

test('every exit of every kind is led elsewhere, and only that one', () => {
  for (const kind of KINDS) {
    const node = fresh(kind, NOTHING);
    for (const { slot } of exits(node)) {
      const led = lead(node, slot, 'there');
      const changed = exits(led).filter(({ to }) => to === 'there');
      expect(
        changed.map((exit) => exit.slot),
        kind,
      ).toEqual([slot]);
      const back = exits(lead(led, slot, undefined)).find((exit) => exit.slot === slot);
      expect(back?.to).toBe(isRequired(node, slot) || slot.startsWith('key ') ? OPEN : undefined);
    }
  }
});

test('what led to a node that is taken out leads on, or nowhere', () => {
  const without = remove(MAIN, 'welcome');
  expect(exits(without.nodes.hours ?? fresh('return', NOTHING))[0]?.to).toBe('menu');
  const cut = remove(MAIN, 'menu');
  expect(exits(cut.nodes.welcome ?? fresh('return', NOTHING))[0]?.to).toBe(OPEN);
  expect(remove(MAIN, 'hours').start).toBe('welcome');
});

test('a node keeps its ways under a new name', () => {
  const renamed = rename(MAIN, 'support', 'sales');
  const led = Object.values(renamed.nodes).flatMap((node) => exits(node).map(({ to }) => to));
  expect(led).not.toContain('support');
  expect(led.filter((to) => to === 'sales')).toHaveLength(3);
  expect(rename(MAIN, 'support', 'menu')).toBe(MAIN);
});

test('a walk is drawn through the conditions that it tells nothing of', () => {
  const { nodes, ways } = walked(MAIN, ['welcome', 'welcome', 'menu', 'support', null]);
  expect([...nodes]).toEqual(['hours', 'welcome', 'menu', 'support']);
  expect([...ways]).toEqual(['hours welcome', 'welcome menu', 'menu support']);
});

test('no way is drawn through a node that would have told of itself', () => {
  const { nodes, ways } = walked(MAIN, ['welcome', 'support']);
  expect([...nodes]).toEqual(['hours', 'welcome', 'support']);
  expect([...ways]).toEqual(['hours welcome']);
});

test('what was undone is done again, until something else is done', () => {
  const other = rename(MAIN, 'ring', 'bell');
  const changed = step({ past: [], now: MAIN, future: [] }, { kind: 'change', to: other });
  const undone = step(changed, { kind: 'undo' });
  expect(undone.now).toBe(MAIN);
  expect(step(undone, { kind: 'redo' }).now).toBe(other);
  const anew = step(undone, { kind: 'change', to: remove(MAIN, 'lost') });
  expect(step(anew, { kind: 'redo' }).now).toBe(anew.now);
});

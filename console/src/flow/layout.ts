import { exits } from './exits';
import type { Flow } from './model';

export interface Point {
  x: number;
  y: number;
}

export interface Box extends Point {
  height: number;
  rank: number;
  /** A way leads there from the start. */
  reached: boolean;
}

export interface Way {
  from: string;
  slot: string;
  to: string;
  points: Point[];
  /** It leads back, against the order of the ranks. */
  back: boolean;
}

export interface Layout {
  boxes: Map<string, Box>;
  ways: Way[];
  width: number;
  height: number;
}

export const WIDTH = 208;
export const HEAD = 52;
export const ROW = 22;
const [GAP_X, GAP_Y, MARGIN, LANE] = [96, 28, 32, 14] as const;
/** How often the order within the ranks is mended, there and back. */
const SWEEPS = 6;

/** Exits that are drawn: those that lead somewhere, and those that have to. */
export type ShownExits = (name: string) => { slot: string; to: string | undefined }[];

/** A place in a rank: a node, or the part of a long way that passes. */
interface Seat {
  id: string;
  height: number;
  before: Joined[];
  after: Joined[];
}

interface Joined {
  id: string;
  /** How far down the box of the left one the way begins, 0 to 1: what is led to first stands first. */
  port: number;
}

/** Nodes in ranks from the left, few crossings, long ways around the nodes between (after Sugiyama). */
export function layout(flow: Flow, shown: ShownExits): Layout {
  const names = Object.keys(flow.nodes);
  const targets = (name: string) => shown(name).flatMap(({ to }) => (to !== undefined && flow.nodes[to] ? [to] : []));
  const { order, back, reached } = walk(flow, names, targets);
  const ranks = rank(order, back, targets);
  const height = (name: string) => HEAD + shown(name).length * ROW + (shown(name).length ? 8 : 0);
  const { seats, columns } = seat(order, ranks, back, targets, height);
  for (let nth = 0; nth < SWEEPS; nth += 1) sweep(columns, seats, nth % 2 === 0);
  const places = place(columns, seats);
  const boxes = new Map(
    names.map((name): [string, Box] => {
      const at = places.get(name) ?? { x: 0, y: 0 };
      return [name, { ...at, height: height(name), rank: ranks.get(name) ?? 0, reached: reached.has(name) }];
    }),
  );
  const low = Math.max(0, ...[...boxes.values()].map(({ y, height: tall }) => y + tall));
  const ways = route(names, shown, flow, boxes, places, back, low);
  const lanes = ways.filter((way) => way.back).length;
  return {
    boxes,
    ways,
    width: MARGIN * 2 + columns.length * (WIDTH + GAP_X) - GAP_X,
    height: low + MARGIN + (lanes ? lanes * LANE + GAP_Y : 0),
  };
}

const pair = (from: string, to: string) => `${from} ${to}`;

/** Depth first from the start, then from whatever is left: the order, and which ways lead back. */
function walk(flow: Flow, names: string[], targets: (name: string) => string[]) {
  const [done, open, back, order, reached] = [
    new Set<string>(),
    new Set<string>(),
    new Set<string>(),
    [] as string[],
    new Set<string>(),
  ];
  const go = (name: string, isReached: boolean) => {
    if (done.has(name)) return;
    open.add(name);
    if (isReached) reached.add(name);
    for (const to of targets(name)) {
      if (open.has(to)) back.add(pair(name, to));
      else go(to, isReached);
    }
    open.delete(name);
    done.add(name);
    order.unshift(name);
  };
  if (flow.nodes[flow.start]) go(flow.start, true);
  // Nothing that is reached leads to the others, so these go before.
  for (const name of names) go(name, false);
  return { order, back, reached };
}

/** One further right than whatever leads there; a node that nothing reaches stands as far left as it can. */
function rank(order: string[], back: Set<string>, targets: (name: string) => string[]): Map<string, number> {
  const ranks = new Map(order.map((name) => [name, 0]));
  for (const name of order) {
    for (const to of targets(name)) {
      if (!back.has(pair(name, to)) && to !== name)
        ranks.set(to, Math.max(ranks.get(to) ?? 0, (ranks.get(name) ?? 0) + 1));
    }
  }
  return ranks;
}

function seat(
  order: string[],
  ranks: Map<string, number>,
  back: Set<string>,
  targets: (name: string) => string[],
  height: (name: string) => number,
) {
  const seats = new Map<string, Seat>();
  const columns: string[][] = [];
  const sit = (id: string, column: number, tall: number) => {
    seats.set(id, { id, height: tall, before: [], after: [] });
    while (columns.length <= column) columns.push([]);
    columns[column]?.push(id);
  };
  const join = (from: string, to: string, port: number) => {
    seats.get(from)?.after.push({ id: to, port: 0 });
    seats.get(to)?.before.push({ id: from, port });
  };
  for (const name of order) sit(name, ranks.get(name) ?? 0, height(name));
  for (const name of order) {
    const all = targets(name);
    for (const to of new Set(all)) {
      if (back.has(pair(name, to)) || to === name) continue;
      let [last, port] = [name, all.indexOf(to) / all.length];
      for (let column = (ranks.get(name) ?? 0) + 1; column < (ranks.get(to) ?? 0); column += 1) {
        const passing = passes(name, to, column);
        sit(passing, column, 0);
        join(last, passing, port);
        [last, port] = [passing, 0];
      }
      join(last, to, port);
    }
  }
  return { seats, columns };
}

const passes = (from: string, to: string, column: number) => `${from} ${to} ${column}`;

/** Each seat to the mean place of those it is joined to, on one side. */
function sweep(columns: string[][], seats: Map<string, Seat>, forward: boolean): void {
  const rounds = forward ? columns.map((_, at) => at) : columns.map((_, at) => columns.length - 1 - at);
  for (const at of rounds) {
    const beside = columns[forward ? at - 1 : at + 1];
    const column = columns[at];
    if (!beside || !column) continue;
    const mean = (id: string, nth: number) => {
      const joined = seats.get(id)?.[forward ? 'before' : 'after'] ?? [];
      const places = joined.map((one) => beside.indexOf(one.id) + one.port);
      return places.length ? places.reduce((sum, one) => sum + one, 0) / places.length : nth;
    };
    const means = new Map(column.map((id, nth) => [id, mean(id, nth)]));
    column.sort((left, right) => (means.get(left) ?? 0) - (means.get(right) ?? 0));
  }
}

/** Columns from the left, each in the middle of the tallest; the corner at the upper left. */
function place(columns: string[][], seats: Map<string, Seat>): Map<string, Point> {
  const tall = (column: string[]) =>
    column.reduce((sum, id) => sum + (seats.get(id)?.height ?? 0), 0) + GAP_Y * (column.length - 1);
  const most = Math.max(0, ...columns.map(tall));
  const places = new Map<string, Point>();
  columns.forEach((column, at) => {
    let y = MARGIN + (most - tall(column)) / 2;
    for (const id of column) {
      places.set(id, { x: MARGIN + at * (WIDTH + GAP_X), y });
      y += (seats.get(id)?.height ?? 0) + GAP_Y;
    }
  });
  return places;
}

function route(
  names: string[],
  shown: ShownExits,
  flow: Flow,
  boxes: Map<string, Box>,
  places: Map<string, Point>,
  back: Set<string>,
  low: number,
): Way[] {
  let lane = 0;
  return names.flatMap((from) =>
    shown(from).flatMap(({ slot, to }, nth): Way[] => {
      const [a, b] = [boxes.get(from), to === undefined ? undefined : boxes.get(to)];
      if (!a || !b || to === undefined || !flow.nodes[to]) return [];
      const start = { x: a.x + WIDTH, y: a.y + HEAD + ROW * (nth + 0.5) };
      const end = { x: b.x, y: b.y + HEAD / 2 };
      if (back.has(pair(from, to)) || from === to) {
        const under = low + GAP_Y + LANE * lane;
        lane += 1;
        const points = [start, { x: start.x + 24, y: under }, { x: end.x - 24, y: under }, end];
        return [{ from, slot, to, points, back: true }];
      }
      const between: Point[] = [];
      for (let column = a.rank + 1; column < b.rank; column += 1) {
        const at = places.get(passes(from, to, column));
        if (at) between.push({ x: at.x, y: at.y }, { x: at.x + WIDTH, y: at.y });
      }
      return [{ from, slot, to, points: [start, ...between, end], back: false }];
    }),
  );
}

/** As SVG: curves between the columns, straight through them; ways back go around below. */
export function path({ points, back }: Way): string {
  const [first, ...rest] = points;
  if (!first) return '';
  if (back) {
    const [down, along, end] = rest as [Point, Point, Point];
    return (
      `M${first.x} ${first.y} H${down.x - 8} Q${down.x} ${first.y} ${down.x} ${first.y + 8} V${down.y - 8} ` +
      `Q${down.x} ${down.y} ${down.x - 8} ${down.y} H${along.x + 8} Q${along.x} ${along.y} ${along.x} ${along.y - 8} ` +
      `V${end.y + 8} Q${along.x} ${end.y} ${along.x + 8} ${end.y} H${end.x}`
    );
  }
  let last = first;
  let drawn = `M${first.x} ${first.y}`;
  for (const at of rest) {
    const bend = (at.x - last.x) / 2;
    drawn += last.y === at.y ? ` H${at.x}` : ` C${last.x + bend} ${last.y} ${at.x - bend} ${at.y} ${at.x} ${at.y}`;
    last = at;
  }
  return drawn;
}

/** The exits of a node that its box shows. */
export function shownExits(flow: Flow, required: (name: string, slot: string) => boolean): ShownExits {
  const all = new Map(
    Object.entries(flow.nodes).map(([name, node]) => [
      name,
      exits(node).filter(({ slot, to }) => to !== undefined || required(name, slot)),
    ]),
  );
  return (name) => all.get(name) ?? [];
}

import { exits } from './exits';
import { type Flow, isSilent } from './model';

export interface Walked {
  nodes: Set<string>;
  /** `from to` of each way that was gone. */
  ways: Set<string>;
}

/** What a simulation went through: the nodes it tells of, and the silent ones between them. */
export function walked(flow: Flow, told: (string | null | undefined)[]): Walked {
  const nodes = new Set<string>();
  const ways = new Set<string>();
  let at = flow.start;
  if (flow.nodes[at]) nodes.add(at);
  for (const node of told) {
    if (!node || !flow.nodes[node] || node === at) continue;
    const between = through(flow, at, node);
    for (const next of between) {
      ways.add(`${at} ${next}`);
      nodes.add(next);
      at = next;
    }
    if (between.length === 0) {
      nodes.add(node);
      at = node;
    }
  }
  return { nodes, ways };
}

/** The shortest way on that passes by silent nodes only; empty where there is none. */
function through(flow: Flow, from: string, to: string): string[] {
  const seen = new Set([from]);
  let open: string[][] = [[from]];
  while (open.length) {
    const longer: string[][] = [];
    for (const trail of open) {
      const node = flow.nodes[trail.at(-1) ?? ''];
      for (const exit of node ? exits(node) : []) {
        if (exit.to === to) return [...trail.slice(1), to];
        const next = exit.to === undefined ? undefined : flow.nodes[exit.to];
        if (exit.to === undefined || !next || seen.has(exit.to) || !isSilent(next)) continue;
        seen.add(exit.to);
        longer.push([...trail, exit.to]);
      }
    }
    open = longer;
  }
  return [];
}

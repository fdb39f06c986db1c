import type { Schemas } from '../api/client';
import type { Wallboard } from './board';

export type Limits = Schemas['BoardLimits'];
export type Figure = keyof Limits;
/** How much a figure asks for attention. */
export type Level = 'fine' | 'warn' | 'alarm';

/** In their order on the board; a service level is the better the higher it is. */
export const FIGURES: readonly Figure[] = ['waiting', 'longest_wait_s', 'abandoned_percent', 'service_level_percent'];
export const falls = (figure: Figure) => figure === 'service_level_percent';

/** What a figure's value comes to. Nothing known, or no limit set, is fine. */
export function level(figure: Figure, value: number | undefined, limits: Limits): Level {
  const limit = limits[figure];
  if (value === undefined || !limit) return 'fine';
  const reaches = (mark: number) => (falls(figure) ? value <= mark : value >= mark);
  if (reaches(limit.alarm)) return 'alarm';
  return reaches(limit.warn) ? 'warn' : 'fine';
}

type Queue = Pick<
  Wallboard['queues'][number],
  'waiting' | 'longest_waiting_since' | 'entered' | 'abandoned' | 'within_target'
>;

const sum = (queues: readonly Queue[], figure: 'waiting' | 'entered' | 'abandoned' | 'within_target') =>
  queues.reduce((all, queue) => all + queue[figure], 0);

/** The figures of one queue, or of several together; of no callers there is no rate. */
export function figuresOf(queues: readonly Queue[], now: number): Record<Figure, number | undefined> {
  const since = queues.flatMap((queue) => queue.longest_waiting_since ?? []).sort()[0];
  const entered = sum(queues, 'entered');
  const share = (part: number) => (entered === 0 ? undefined : (part / entered) * 100);
  return {
    waiting: sum(queues, 'waiting'),
    longest_wait_s: since === undefined ? undefined : Math.max(0, Math.floor((now - Date.parse(since)) / 1000)),
    abandoned_percent: share(sum(queues, 'abandoned')),
    service_level_percent: share(sum(queues, 'within_target')),
  };
}

/** How the audio of the running call comes in. */
export interface Quality {
  roundTripMs: number | undefined;
  jitterMs: number;
  /** Packets so far, of the whole call. */
  received: number;
  lost: number;
}

export type Grade = 'good' | 'fair' | 'poor';

/** Up to here a call is good, and up to here one can still talk: there and back twice the way that ITU-T G.114 calls good and bearable. */
const GOOD = { roundTripMs: 300, jitterMs: 30, lostPart: 0.01 };
const FAIR = { roundTripMs: 600, jitterMs: 60, lostPart: 0.05 };

export function lostPart({ lost, received }: Pick<Quality, 'lost' | 'received'>): number {
  return lost + received > 0 ? lost / (lost + received) : 0;
}

/** The packets since one looked last; of another connection all of them. */
export function lately(before: Quality | undefined, now: Quality): Quality {
  if (!before || now.received < before.received) return now;
  return { ...now, received: now.received - before.received, lost: Math.max(0, now.lost - before.lost) };
}

/** What somebody would say who hears it. */
export function grade(quality: Quality): Grade {
  const within = (limit: typeof GOOD) =>
    (quality.roundTripMs ?? 0) <= limit.roundTripMs &&
    quality.jitterMs <= limit.jitterMs &&
    lostPart(quality) <= limit.lostPart;
  if (within(GOOD)) return 'good';
  return within(FAIR) ? 'fair' : 'poor';
}

import { useReducer } from 'react';
import type { Flow } from './model';

/** What was drawn before and may be drawn again. */
interface History {
  past: Flow[];
  now: Flow;
  future: Flow[];
}

type Act = { kind: 'change'; to: Flow } | { kind: 'undo' } | { kind: 'redo' } | { kind: 'reset'; to: Flow };

const PAST_MAX = 100;

export function step({ past, now, future }: History, act: Act): History {
  switch (act.kind) {
    case 'change':
      return act.to === now
        ? { past, now, future }
        : { past: [...past, now].slice(-PAST_MAX), now: act.to, future: [] };
    case 'undo': {
      const before = past.at(-1);
      return before ? { past: past.slice(0, -1), now: before, future: [now, ...future] } : { past, now, future };
    }
    case 'redo': {
      const [next, ...rest] = future;
      return next ? { past: [...past, now], now: next, future: rest } : { past, now, future };
    }
    case 'reset':
      return { past: [], now: act.to, future: [] };
  }
}

export function useHistory(begin: Flow) {
  const [history, act] = useReducer(step, { past: [], now: begin, future: [] });
  return {
    flow: history.now,
    change: (to: Flow) => act({ kind: 'change', to }),
    reset: (to: Flow) => act({ kind: 'reset', to }),
    undo: history.past.length ? () => act({ kind: 'undo' }) : undefined,
    redo: history.future.length ? () => act({ kind: 'redo' }) : undefined,
  };
}

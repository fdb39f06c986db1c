import { useEffect } from 'react';
import { create } from 'zustand';

/** How far the server's clock is ahead of this browser's, ms: told by each message of a stream. */
const useSkew = create<{ ms: number }>()(() => ({ ms: 0 }));
/** Of the way of a message, this much does not move the clock. */
const TOLERANCE_MS = 400;

export function clockSeen(at: string): void {
  const ms = Date.parse(at) - Date.now();
  if (Math.abs(ms - useSkew.getState().ms) > TOLERANCE_MS) useSkew.setState({ ms });
}

export function serverNow(): number {
  return Date.now() + useSkew.getState().ms;
}

/** One clock for all who look at it, so that a page of timers is drawn once a second. */
const useTick = create<{ now: number }>()(() => ({ now: serverNow() }));
let watchers = 0;
let timer: ReturnType<typeof setInterval> | undefined;
const tick = () => useTick.setState({ now: serverNow() });

/** The server's time, each second. */
export function useNow(): number {
  useEffect(() => {
    if (watchers++ === 0) {
      tick();
      timer = setInterval(tick, 1000);
    }
    return () => {
      if (--watchers === 0) clearInterval(timer);
    };
  }, []);
  return useTick(({ now }) => now);
}

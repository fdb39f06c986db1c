import { useEffect, useState } from 'react';
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

/** The server's time, each second. */
export function useNow(): number {
  const [now, setNow] = useState(serverNow);
  useEffect(() => {
    const timer = setInterval(() => setNow(serverNow()), 1000);
    return () => clearInterval(timer);
  }, []);
  return now;
}

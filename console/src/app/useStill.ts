import { useSyncExternalStore } from 'react';

const wish = typeof window === 'undefined' ? undefined : window.matchMedia('(prefers-reduced-motion: reduce)');

/** Whether whoever sits here wants nothing to move (WCAG 2.3.3). */
export function useStill(): boolean {
  return useSyncExternalStore(
    (changed) => {
      wish?.addEventListener('change', changed);
      return () => wish?.removeEventListener('change', changed);
    },
    () => wish?.matches ?? false,
  );
}

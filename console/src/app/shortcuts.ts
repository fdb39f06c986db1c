import { useEffect, useRef } from 'react';

/** What can be done by a key, with Alt, wherever one types; by the place of the key, so that no layout is in the way. */
export const SHORTCUTS = {
  answer: 'KeyA',
  hangUp: 'KeyX',
  hold: 'KeyH',
  mute: 'KeyM',
  transfer: 'KeyT',
  consult: 'KeyQ',
  number: 'KeyN',
  list: 'KeyK',
} as const;

export type Shortcut = keyof typeof SHORTCUTS;
export const ALL_SHORTCUTS = Object.keys(SHORTCUTS) as Shortcut[];

export const keyOf = (shortcut: Shortcut) => `Alt+${SHORTCUTS[shortcut].slice(3)}`;

type Pressed = Pick<
  KeyboardEvent,
  'altKey' | 'code' | 'ctrlKey' | 'isComposing' | 'keyCode' | 'metaKey' | 'repeat' | 'shiftKey'
>;
/** What a key that an input method has is called. */
const PROCESSED = 229;

/** Which one a key means: none while an input method composes, or with another modifier. */
export function shortcutOf(pressed: Pressed): Shortcut | undefined {
  if (pressed.isComposing || pressed.keyCode === PROCESSED || pressed.repeat) return undefined;
  if (!pressed.altKey || pressed.ctrlKey || pressed.metaKey || pressed.shiftKey) return undefined;
  return ALL_SHORTCUTS.find((shortcut) => SHORTCUTS[shortcut] === pressed.code);
}

/** Does what is possible now; the others' keys mean nothing. */
export function useShortcuts(possible: Partial<Record<Shortcut, (() => void) | undefined>>): void {
  const latest = useRef(possible);
  useEffect(() => {
    latest.current = possible;
  });
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const shortcut = shortcutOf(event);
      const act = shortcut && latest.current[shortcut];
      if (!act) return;
      event.preventDefault();
      act();
    };
    window.addEventListener('keydown', press);
    return () => window.removeEventListener('keydown', press);
  }, []);
}

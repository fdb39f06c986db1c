/** The one word that shows how an agent stands (AGT-11), in the order of the board, each with its colour. */
export const WORDS = {
  idle: '#1a9c4b',
  ringing: '#13a8a8',
  connected: '#1677ff',
  wrap_up: '#722ed1',
  not_ready: '#d4380d',
  on_break: '#d48806',
  offline: '#8c8c8c',
} as const;

export type Word = keyof typeof WORDS;
export const ALL_WORDS = Object.keys(WORDS) as Word[];

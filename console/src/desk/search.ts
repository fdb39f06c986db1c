/** Somebody who is looked for. */
export interface Sought {
  agent: string;
  extension: string;
  name: string;
  /** The syllables of the name, as they are spoken: `zhang`, `wei`. */
  syllables: readonly string[];
}

const plain = (text: string) => text.normalize('NFKC').toLowerCase().replace(/\s+/g, '');

/** By number, extension or name, or by what the name sounds like: whole (`zhangwei`), by its initials (`zw`), or both (`zhangw`, `zwei`). */
export function isSought(typed: string, one: Sought): boolean {
  const wanted = plain(typed);
  if ([one.agent, one.extension, one.name].some((text) => plain(text).includes(wanted))) return true;
  const syllables = one.syllables.map(plain);
  return syllables.some((_, at) => spells(wanted, syllables.slice(at)));
}

/** Whether each syllable in turn is begun, and all of what was typed is used up. */
function spells(typed: string, [first = '', ...rest]: readonly string[]): boolean {
  if (typed === '') return true;
  if (first === '') return false;
  return [...first].some((_, at) => {
    const part = first.slice(0, first.length - at);
    return typed.startsWith(part) && spells(typed.slice(part.length), rest);
  });
}

import { pinyin } from 'pinyin-pro';

const HAS_CHINESE = /\p{Script=Han}/u;

/** How a name sounds, without tones. Loaded when somebody is looked for: the dictionary is large. */
export function syllablesOf(name: string): string[] {
  if (!HAS_CHINESE.test(name)) return [];
  return pinyin(name, { toneType: 'none', type: 'array', surname: 'head', nonZh: 'removed', v: true });
}

import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import type { Node } from './model';

const SLOTS = [
  'next',
  'failed',
  'no_choice',
  'otherwise',
  'answered',
  'busy',
  'no_answer',
  'max_wait',
  'full',
  'nobody',
] as const;
type Slot = (typeof SLOTS)[number];
const isSlot = (slot: string): slot is Slot => (SLOTS as readonly string[]).includes(slot);

/** How a way out is called: `Key 1`, `Nobody answers`, ... */
export function useExitName(): (node: Node, slot: string) => string {
  const { t } = useTranslation();
  return (node, slot) => {
    const [kind, which] = slot.split(' ');
    if (kind === 'key') return t('flow.keyExit', { key: which });
    if (kind === 'case') {
      const test = node.step === 'condition' ? node.cases[Number(which)]?.when[0] : undefined;
      return t('flow.caseExit', { nth: Number(which) + 1, about: test ? aboutTest(t, test) : '' });
    }
    return isSlot(slot) ? t(`flowExit.${slot}`) : slot;
  };
}

function aboutTest(t: TFunction, test: object): string {
  const [[kind, of] = ['', {}]] = Object.entries(test) as [string, Record<string, unknown>][];
  if (kind === 'hours') return `${of.name} ${t(`flowOpening.${(of.is ?? 'open') as 'open'}`)}`;
  if (kind === 'time') return String(of.between);
  if (kind === 'caller') return `${t('flow.caller')} ${of.prefix}…`;
  return String(of.name ?? '');
}

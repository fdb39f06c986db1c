import { useTranslation } from 'react-i18next';
import type { Node, Test } from './model';

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
  const about = (test: Test | undefined): string => {
    if (!test) return '';
    if ('hours' in test) return `${test.hours.name} ${t(`flowOpening.${test.hours.is ?? 'open'}`)}`;
    if ('time' in test) return test.time.between;
    if ('caller' in test) return `${t('flow.caller')} ${test.caller.prefix}…`;
    return 'variable' in test ? test.variable.name : test.queue.name;
  };
  return (node, slot) => {
    const [kind, which] = slot.split(' ');
    if (kind === 'key') return t('flow.keyExit', { key: which });
    if (kind === 'case') {
      const test = node.step === 'condition' ? node.cases[Number(which)]?.when[0] : undefined;
      return t('flow.caseExit', { nth: Number(which) + 1, about: about(test) });
    }
    return isSlot(slot) ? t(`flowExit.${slot}`) : slot;
  };
}

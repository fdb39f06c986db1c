import { useTranslation } from 'react-i18next';
import { inWords } from '../api/problem';

const OPEN_EXIT = /^there is no node `-`/;
const OPEN_THING = /^there is no [a-z ]+ `-?`|^`` is no number/;

/** What the server finds wrong, in words for who draws: it does not know that `-` is nothing yet. */
export function useFaultWords(): (what: string) => string {
  const { t } = useTranslation();
  return (what) => {
    if (OPEN_EXIT.test(what)) return t('flow.exitOpen');
    return OPEN_THING.test(what) ? t('flow.thingOpen') : inWords(what);
  };
}

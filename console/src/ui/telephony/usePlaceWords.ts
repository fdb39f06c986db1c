import { useTranslation } from 'react-i18next';
import { placeOf } from './values';

/** A place in words: `Queue support`. */
export function usePlaceWords(): (text: string) => string {
  const { t } = useTranslation();
  return (text) => {
    const { kind, name } = placeOf(text);
    return `${t(`place.${kind}`)} ${name}`.trim();
  };
}

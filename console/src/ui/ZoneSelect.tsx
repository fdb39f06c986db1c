import { Select } from 'antd';
import { useTranslation } from 'react-i18next';

/** The time zones there are, by their IANA names. */
const ZONES = Intl.supportedValuesOf('timeZone').map((value) => ({ value, label: value }));

/** In which time zone days begin and hours are meant. */
export function ZoneSelect(given: { value?: string; onChange?: (zone: string) => void }) {
  const { t } = useTranslation();
  return <Select showSearch options={ZONES} aria-label={t('hours.zone')} {...given} />;
}

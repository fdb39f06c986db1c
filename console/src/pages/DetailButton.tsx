import { Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';
import { useMay } from '../app/session';

/** To the page that says all about a call; for who may read the engine's records. */
export function DetailButton({ call }: { call: string }) {
  const { t } = useTranslation();
  const may = useMay();
  const navigate = useNavigate();
  if (!may('call_records.read')) return null;
  return (
    <Button type="link" size="small" onClick={() => navigate(`/call-records/${call}`)}>
      {t('records.detail')}
    </Button>
  );
}

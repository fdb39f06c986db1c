import { PhoneOutlined } from '@ant-design/icons';
import { Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { useMay } from '../app/session';
import { useDial } from '../bar/useDial';

/** A number with the icon that dials it (GEN-14). */
export function NumberLink({ number }: { number: string | null | undefined }) {
  const { t } = useTranslation();
  const may = useMay();
  const dial = useDial();
  if (!number) return t('bar.unknownCaller');
  if (!may('call.dial')) return number;
  return (
    <span style={{ whiteSpace: 'nowrap' }}>
      {number}
      <Button
        type="text"
        size="small"
        icon={<PhoneOutlined />}
        aria-label={`${t('bar.dial')} ${number}`}
        onClick={(event) => {
          event.stopPropagation();
          dial(number);
        }}
      />
    </span>
  );
}

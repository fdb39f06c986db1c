import { Descriptions, Modal, Typography } from 'antd';
import { useTranslation } from 'react-i18next';
import { ALL_SHORTCUTS, keyOf } from './shortcuts';

/** Which keys do what. */
export function ShortcutList({ close }: { close: () => void }) {
  const { t } = useTranslation();
  return (
    <Modal open title={t('keys.title')} footer={null} onCancel={close} width={420}>
      <Descriptions
        size="small"
        column={1}
        bordered
        items={ALL_SHORTCUTS.map((shortcut) => ({
          key: shortcut,
          label: t(`keys.${shortcut}`),
          children: <Typography.Text keyboard>{keyOf(shortcut)}</Typography.Text>,
        }))}
      />
      <p style={{ opacity: 0.75, marginBottom: 0 }}>{t('keys.hint')}</p>
    </Modal>
  );
}

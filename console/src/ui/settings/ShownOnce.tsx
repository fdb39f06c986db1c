import { CopyOutlined } from '@ant-design/icons';
import { Alert, App, Button, Input, Modal, Space } from 'antd';
import { useTranslation } from 'react-i18next';

/** A secret that the server tells once, to be copied now. A click beside it does not close it. */
export function ShownOnce({ title, secret, close }: { title: string; secret: string; close: () => void }) {
  const { t } = useTranslation();
  return (
    <Modal
      open
      title={title}
      mask={{ closable: false }}
      width={560}
      onCancel={close}
      footer={<Button onClick={close}>{t('settings.close')}</Button>}
    >
      <Alert showIcon type="warning" title={t('settings.once')} style={{ marginBottom: 16 }} />
      <Space.Compact block>
        <Input readOnly value={secret} aria-label={title} data-testid="secret" style={{ fontFamily: 'monospace' }} />
        <CopyButton text={secret} />
      </Space.Compact>
    </Modal>
  );
}

/** Copies a text; without HTTPS browsers have no clipboard, and the text is chosen by hand. */
export function CopyButton({ text }: { text: string }) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      void message.success(t('settings.copied'));
    } catch {
      void message.warning(t('settings.notCopied'));
    }
  };
  return (
    <Button icon={<CopyOutlined />} aria-label={t('settings.copy')} onClick={() => void copy()}>
      {t('settings.copy')}
    </Button>
  );
}

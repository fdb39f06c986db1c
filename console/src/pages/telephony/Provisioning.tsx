import { Alert, Descriptions, Modal, QRCode, Segmented, Space } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { CopyButton } from '../../ui/settings/ShownOnce';

/** What a phone is given to register with; the password is known only now. */
export interface Account {
  number: string;
  password: string;
}

/** The port of SIP where nothing else is set. */
const PORT = 5060;
const SOFTPHONES = ['linphone', 'zoiper', 'microsip', 'desk'] as const;

/** How a phone of one's own is set up: as a text, a QR code, and the fields of common softphones (PHONE-01). */
export function Provisioning({ account, close }: { account: Account; close: () => void }) {
  const { t } = useTranslation();
  return (
    <Modal
      open
      width={640}
      title={t('ext.phoneOf', { number: account.number })}
      mask={{ closable: false }}
      onCancel={close}
      onOk={close}
      cancelButtonProps={{ style: { display: 'none' } }}
    >
      <Alert showIcon type="warning" title={t('settings.once')} style={{ marginBottom: 16 }} />
      <AccountShown account={account} />
    </Modal>
  );
}

export function AccountShown({ account: { number, password } }: { account: Account }) {
  const { t } = useTranslation();
  const [phone, setPhone] = useState<(typeof SOFTPHONES)[number]>('linphone');
  const host = location.hostname;
  const rows = [
    [t('ext.user'), number],
    [t('ext.password'), password],
    [t('ext.server'), host],
    [t('ext.port'), String(PORT)],
    [t('ext.transport'), 'UDP / TCP'],
  ] as const;
  const text = rows.map(([label, value]) => `${label}: ${value}`).join('\n');
  return (
    <Space orientation="vertical" style={{ width: '100%' }} size="middle">
      <div style={{ display: 'flex', gap: 24, alignItems: 'center' }}>
        <QRCode type="svg" size={176} value={text} aria-label={t('ext.qr')} />
        <Descriptions
          column={1}
          size="small"
          style={{ flex: 1 }}
          items={rows.map(([label, value]) => ({
            key: label,
            label,
            children: <code data-testid={value === password ? 'secret' : undefined}>{value}</code>,
          }))}
        />
      </div>
      <Space>
        <CopyButton text={text} />
        <span style={{ opacity: 0.65 }}>{t('ext.qrHint')}</span>
      </Space>
      <Segmented
        block
        aria-label={t('ext.softphone')}
        value={phone}
        options={SOFTPHONES.map((value) => ({ value, label: t(`softphone.${value}`) }))}
        onChange={setPhone}
      />
      <div>{t(`softphoneSteps.${phone}`, { number, host, port: PORT })}</div>
    </Space>
  );
}

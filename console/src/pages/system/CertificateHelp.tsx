import { Alert, Card, Tabs, Typography } from 'antd';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

const OWN = `[tls]
certificate = "/etc/switchboard/fullchain.pem"
private_key = "/etc/switchboard/privkey.pem"`;
const NAMED = `[[tls.host]]
name = "pbx.example.com"
certificate = "/etc/switchboard/pbx.pem"
private_key = "/etc/switchboard/pbx.key"`;
const ASKED = `[acme]
domains = ["pbx.example.com"]
accept_terms = true
contact = "it@example.com"`;
const FILE = 'data/tls/certificate.pem';
const TRUSTING = {
  windows: 'certutil -addstore -f Root certificate.pem',
  macos: 'sudo security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain certificate.pem',
  linux: 'certutil -d sql:$HOME/.pki/nssdb -A -t "P,," -n switchboard -i certificate.pem',
} as const;
const SYSTEMS = ['windows', 'macos', 'linux', 'firefox'] as const;

/** Why browsers want HTTPS, and how a certificate is asked for, replaced, or trusted. */
export function CertificateHelp() {
  const { t } = useTranslation();
  return (
    <div className="page" style={{ maxWidth: 880 }}>
      {window.isSecureContext ? (
        <Alert showIcon type="success" title={t('https.secure')} />
      ) : (
        <Alert showIcon type="warning" title={t('https.insecure')} />
      )}
      <Part title={t('https.why')}>
        <Typography.Paragraph>{t('https.whyText')}</Typography.Paragraph>
      </Part>
      <Part title={t('https.ask')}>
        <Typography.Paragraph>{t('https.askText')}</Typography.Paragraph>
        <Code text={ASKED} />
        <Typography.Paragraph>{t('https.askedText')}</Typography.Paragraph>
      </Part>
      <Part title={t('https.replace')}>
        <Typography.Paragraph>{t('https.replaceText')}</Typography.Paragraph>
        <Code text={OWN} />
        <Typography.Paragraph>{t('https.namedText')}</Typography.Paragraph>
        <Code text={NAMED} />
        <Typography.Paragraph>{t('https.reloadText')}</Typography.Paragraph>
      </Part>
      <Part title={t('https.trust')}>
        <Typography.Paragraph>{t('https.trustText', { file: FILE })}</Typography.Paragraph>
        <Tabs
          items={SYSTEMS.map((system) => ({
            key: system,
            label: t(`https.systems.${system}`),
            children: (
              <>
                <Typography.Paragraph>{t(`https.steps.${system}`)}</Typography.Paragraph>
                {system !== 'firefox' && <Code text={TRUSTING[system]} />}
              </>
            ),
          }))}
        />
        <Typography.Paragraph type="secondary">{t('https.nameText')}</Typography.Paragraph>
      </Part>
    </div>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Card size="small" title={title}>
      {children}
    </Card>
  );
}

function Code({ text }: { text: string }) {
  return (
    <div className="code">
      <Typography.Paragraph>
        <pre>{text}</pre>
      </Typography.Paragraph>
      <Typography.Text copyable={{ text }} />
    </div>
  );
}

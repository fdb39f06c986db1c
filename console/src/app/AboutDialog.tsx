import { useQuery } from '@tanstack/react-query';
import { Descriptions, Modal, Typography } from 'antd';
import { useTranslation } from 'react-i18next';
import { api, ask, type Schemas } from '../api/client';
import { Answered } from '../ui/States';

declare const __VERSION__: string;

/** GEN-01: what this is and whose, as the enterprise has set it, and where. */
export function AboutDialog({ close }: { close: () => void }) {
  const { t } = useTranslation();
  const about = useQuery({ queryKey: ['about'], queryFn: () => ask(api.GET('/api/v1/about')) });
  return (
    <Modal open title={t('frame.about')} footer={null} onCancel={close} width={480}>
      <Answered query={about}>{(shown) => <About shown={shown} />}</Answered>
    </Modal>
  );
}

function About({ shown }: { shown: Schemas['AboutShown'] }) {
  const { t } = useTranslation();
  const site = shown.website && (
    <Typography.Link href={shown.website} target="_blank" rel="noopener noreferrer">
      {shown.website}
    </Typography.Link>
  );
  const set = [
    { key: 'hotline' as const, children: shown.hotline },
    { key: 'website' as const, children: site },
    { key: 'address' as const, children: shown.address },
  ];
  return (
    <Descriptions
      size="small"
      column={1}
      title={shown.product}
      items={[
        { key: 'version', label: t('about.version'), children: shown.version },
        { key: 'console', label: t('about.console'), children: __VERSION__ },
        { key: 'enterprise', label: t('about.enterprise'), children: shown.enterprise },
        ...set.filter(({ children }) => children).map((item) => ({ ...item, label: t(`about.${item.key}`) })),
        { key: 'server', label: t('about.server'), children: window.location.origin },
      ]}
    />
  );
}

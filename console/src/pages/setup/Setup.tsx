import { Button, Card, Result, Space, Steps } from 'antd';
import { type ComponentType, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';
import { prefer } from '../../app/preferences';
import { AdminStep } from './AdminStep';
import { CentreStep } from './CentreStep';
import { ExtensionsStep } from './ExtensionsStep';
import { NumberStep } from './NumberStep';
import { TestCallStep } from './TestCallStep';
import { TrunkStep } from './TrunkStep';
import '../../ui/telephony/telephony.css';

/** What a step is given: it calls `next` when what it is about is done. */
export interface StepGiven {
  next: () => void;
}

const STEPS = ['centre', 'admin', 'extensions', 'trunk', 'number', 'call'] as const;
const DRAWN: Record<(typeof STEPS)[number], ComponentType<StepGiven>> = {
  centre: CentreStep,
  admin: AdminStep,
  extensions: ExtensionsStep,
  trunk: TrunkStep,
  number: NumberStep,
  call: TestCallStep,
};

/** From an empty centre to a first call, step by step; each may be skipped, and all of it. */
export function Setup() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [at, setAt] = useState(0);
  const step = STEPS[at];
  const leave = (path: string) => {
    prefer({ skippedSetup: true });
    navigate(path);
  };
  if (!step) {
    return (
      <Result
        status="success"
        title={t('setup.done')}
        subTitle={t('setup.doneHint')}
        extra={[
          <Button key="queues" type="primary" onClick={() => leave('/settings/queues')}>
            {t('menu.queueSettings')}
          </Button>,
          <Button key="flows" onClick={() => leave('/settings/flows')}>
            {t('menu.flows')}
          </Button>,
          <Button key="again" onClick={() => setAt(0)}>
            {t('setup.again')}
          </Button>,
        ]}
      />
    );
  }
  const Drawn = DRAWN[step];
  const next = () => setAt(at + 1);
  return (
    <div className="setup">
      <div className="settings-head">
        <div>
          <h2 style={{ margin: 0 }}>{t('setup.title')}</h2>
          <span style={{ opacity: 0.65 }}>{t('setup.hint')}</span>
        </div>
        <Button onClick={() => leave('/')}>{t('setup.skipAll')}</Button>
      </div>
      <Steps
        size="small"
        current={at}
        onChange={setAt}
        items={STEPS.map((name) => ({ title: t(`setupStep.${name}`) }))}
      />
      <Card title={t(`setupStep.${step}`)}>
        <div style={{ opacity: 0.75, marginBottom: 16 }}>{t(`setupAbout.${step}`)}</div>
        <Drawn key={step} next={next} />
      </Card>
      <Space>
        <Button disabled={at === 0} onClick={() => setAt(at - 1)}>
          {t('setup.previous')}
        </Button>
        <Button onClick={next}>{t(step === 'call' ? 'setup.finish' : 'setup.skip')}</Button>
      </Space>
    </div>
  );
}

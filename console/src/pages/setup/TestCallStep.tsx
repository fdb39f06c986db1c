import { PhoneOutlined } from '@ant-design/icons';
import { Alert, AutoComplete, Button, Form, Progress, Select, Space } from 'antd';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { textOf } from '../../api/problem';
import { lostPart, type Quality } from '../../phone/quality';
import { call, hangUp, quality, register, unregister, usePhone } from '../../phone/softphone';
import { named } from '../../ui/telephony/fields';
import { useThings } from '../../ui/telephony/useThings';
import type { StepGiven } from './Setup';

/** The echo test that every centre has. */
const ECHO = '*43';
const WATCH_MS = 1_000;

/** A call from this browser: the echo test, or a phone of one's own. */
export function TestCallStep({ next }: StepGiven) {
  const { t } = useTranslation();
  const { extensions } = useThings();
  const { registration, line } = usePhone();
  const [extension, setExtension] = useState<string>();
  const [number, setNumber] = useState(ECHO);
  const [trouble, setTrouble] = useState<string>();
  const isMine = useRef(false);
  const chosen = extension ?? extensions[0];
  // A phone that was registered for this call alone is none any more afterwards.
  useEffect(
    () => () => {
      if (isMine.current) unregister();
    },
    [],
  );
  const begin = async () => {
    setTrouble(undefined);
    try {
      if (registration.kind !== 'registered') {
        if (!chosen) return;
        isMine.current = true;
        await register(chosen);
      }
      call(number.trim());
    } catch (error) {
      setTrouble(textOf(error));
    }
  };
  const isFree = line.kind === 'free';
  return (
    <Space orientation="vertical" style={{ width: '100%' }} size="middle">
      {!window.isSecureContext && <Alert showIcon type="warning" title={t('devices.insecure')} />}
      {trouble && <Alert showIcon type="error" title={trouble} />}
      <Form name="setup-call" layout="inline">
        <Form.Item label={t('setup.from')}>
          <Select
            aria-label={t('setup.from')}
            disabled={registration.kind === 'registered' || !isFree}
            value={registration.kind === 'registered' ? registration.extension : chosen}
            options={named(extensions)}
            onChange={setExtension}
            style={{ width: 140 }}
          />
        </Form.Item>
        <Form.Item label={t('setup.callTo')} extra={number.trim() === ECHO ? t('setup.echoHint') : undefined}>
          <AutoComplete
            aria-label={t('setup.callTo')}
            disabled={!isFree}
            value={number}
            options={[ECHO, ...extensions.filter((one) => one !== chosen)].map((value) => ({ value }))}
            onChange={setNumber}
            style={{ width: 180 }}
          />
        </Form.Item>
        {isFree ? (
          <Button
            type="primary"
            icon={<PhoneOutlined />}
            loading={registration.kind === 'connecting'}
            disabled={!number.trim()}
            onClick={() => void begin()}
          >
            {t('setup.call')}
          </Button>
        ) : (
          <Button danger type="primary" icon={<PhoneOutlined rotate={135} />} onClick={hangUp}>
            {t('setup.hangUp')}
          </Button>
        )}
      </Form>
      {line.kind === 'calling' && <Alert showIcon type="info" title={t('setup.calling', { number: line.to })} />}
      {line.kind === 'free' && line.failed && (
        <Alert showIcon type="error" title={t('dial.failed', { cause: line.failed })} />
      )}
      {line.kind === 'up' && <Connected />}
      <Button onClick={next}>{t('setup.next')}</Button>
    </Space>
  );
}

/** How the audio comes in, as long as the call lasts. */
function Connected() {
  const { t } = useTranslation();
  const [heard, setHeard] = useState<Quality>();
  useEffect(() => {
    const timer = setInterval(() => void quality().then(setHeard), WATCH_MS);
    return () => clearInterval(timer);
  }, []);
  const received = heard ? Math.round((1 - lostPart(heard)) * 100) : 0;
  return (
    <Space orientation="vertical" style={{ width: '100%' }}>
      <Alert showIcon type="success" data-testid="test-call" title={t('setup.connected')} />
      {heard && (
        <>
          <span>{t('setup.received', { jitter: heard.jitterMs.toFixed(0) })}</span>
          <Progress percent={received} status="success" style={{ maxWidth: 360 }} aria-label={t('setup.connected')} />
        </>
      )}
    </Space>
  );
}

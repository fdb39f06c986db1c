import { SoundOutlined } from '@ant-design/icons';
import { useQuery } from '@tanstack/react-query';
import { Alert, Button, Descriptions, Form, Modal, Progress, Select, Space } from 'antd';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { prefer, usePreferences } from '../app/preferences';
import { rate } from '../format';
import { lostPart } from '../phone/quality';
import { microphone, playAt, quality, usePhone } from '../phone/softphone';
import { notificationState } from './attention';

type Hearing = { kind: 'asking' | 'denied' | 'insecure' } | { kind: 'granted'; level: number };

/** How often the level is shown, and the network asked, ms. */
const LEVEL_MS = 100;
const NETWORK_MS = 2_000;
/** A voice close by is about so loud (root of the mean square); the bar is full there. */
const LOUD = 0.2;

/** Microphone, loudspeaker, registration and network of the web phone (PHONE-16). */
export function DeviceCheck({ close }: { close: () => void }) {
  const { t } = useTranslation();
  const hearing = useMicrophone();
  const devices = useDevices(hearing.kind);
  const chosen = usePreferences();
  const registration = usePhone((phone) => phone.registration);
  const options = (kind: MediaDeviceKind) => [
    { value: '', label: t('devices.own') },
    ...devices
      .filter((one) => one.kind === kind && one.deviceId && one.deviceId !== 'default')
      .map((one) => ({ value: one.deviceId, label: one.label || one.deviceId })),
  ];
  return (
    <Modal open title={t('frame.deviceCheck')} footer={null} onCancel={close} width={560}>
      <Form layout="vertical">
        <Form.Item label={t('devices.microphone')}>
          <Select
            aria-label={t('devices.microphone')}
            value={chosen.microphone}
            options={options('audioinput')}
            onChange={(value) => prefer({ microphone: value })}
          />
          {hearing.kind === 'granted' ? (
            <Progress
              aria-label={t('devices.level')}
              percent={Math.min(100, (hearing.level / LOUD) * 100)}
              showInfo={false}
              status="success"
            />
          ) : (
            <Alert
              showIcon
              style={{ marginTop: 8 }}
              type={hearing.kind === 'asking' ? 'info' : 'error'}
              title={t(`devices.${hearing.kind}`)}
            />
          )}
        </Form.Item>
        <Form.Item label={t('devices.speaker')}>
          <Space.Compact block>
            <Select
              aria-label={t('devices.speaker')}
              value={chosen.speaker}
              options={options('audiooutput')}
              onChange={(value) => prefer({ speaker: value })}
            />
            <Button icon={<SoundOutlined />} aria-label={t('devices.test')} onClick={testTone}>
              {t('devices.test')}
            </Button>
          </Space.Compact>
        </Form.Item>
        <Form.Item label={t('devices.ringer')}>
          <Select
            aria-label={t('devices.ringer')}
            value={chosen.ringer}
            options={options('audiooutput')}
            onChange={(value) => prefer({ ringer: value })}
          />
        </Form.Item>
        <Notifications />
      </Form>
      <Network
        registration={
          registration.kind === 'registered'
            ? t('devices.registered', { extension: registration.extension })
            : t(`devices.${registration.kind}`)
        }
      />
    </Modal>
  );
}

/** Whether the system tells of a call while another window is in front. */
function Notifications() {
  const { t } = useTranslation();
  const [state, setState] = useState(notificationState);
  const ask = () => void Notification.requestPermission().then(setState);
  return (
    <Form.Item label={t('devices.notifications')}>
      <Space>
        {t(`notification.${state}`)}
        {state === 'default' && (
          <Button size="small" onClick={ask}>
            {t('devices.allow')}
          </Button>
        )}
      </Space>
    </Form.Item>
  );
}

function Network({ registration }: { registration: string }) {
  const { t } = useTranslation();
  const { data: trip } = useQuery({ queryKey: ['round-trip'], queryFn: roundTrip, refetchInterval: NETWORK_MS });
  const { data: call } = useQuery({
    queryKey: ['call-quality'],
    queryFn: async () => (await quality()) ?? null,
    refetchInterval: NETWORK_MS,
  });
  const whole = (ms: number | undefined) => (ms === undefined ? '' : Math.round(ms));
  return (
    <Descriptions
      size="small"
      column={1}
      bordered
      items={[
        { key: 'registration', label: t('devices.registration'), children: registration },
        {
          key: 'network',
          label: t('devices.network'),
          children: trip === undefined ? '' : t('devices.ms', { count: Math.round(trip) }),
        },
        {
          key: 'call',
          label: t('devices.call'),
          children: call
            ? t('devices.callQuality', {
                trip: whole(call.roundTripMs),
                jitter: whole(call.jitterMs),
                lost: rate(lostPart(call), 1),
              })
            : t('devices.noCall'),
        },
      ]}
    />
  );
}

async function roundTrip(): Promise<number> {
  const began = performance.now();
  await fetch('/healthz', { cache: 'no-store' });
  return performance.now() - began;
}

/** How loud the chosen microphone is, while this is shown. */
function useMicrophone(): Hearing {
  const chosen = usePreferences((preferences) => preferences.microphone);
  const [hearing, setHearing] = useState<Hearing>({ kind: 'asking' });
  // biome-ignore lint/correctness/useExhaustiveDependencies: `microphone()` reads what was chosen
  useEffect(() => {
    if (!navigator.mediaDevices) return setHearing({ kind: 'insecure' });
    let end: () => void = () => undefined;
    let isOver = false;
    navigator.mediaDevices.getUserMedia({ audio: microphone() }).then(
      (stream) => {
        end = listen(stream, (level) => setHearing({ kind: 'granted', level }));
        if (isOver) end();
      },
      () => setHearing({ kind: 'denied' }),
    );
    return () => {
      isOver = true;
      end();
    };
  }, [chosen]);
  return hearing;
}

function listen(stream: MediaStream, told: (level: number) => void): () => void {
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  const samples = new Float32Array(analyser.fftSize);
  context.createMediaStreamSource(stream).connect(analyser);
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    told(Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length));
  }, LEVEL_MS);
  return () => {
    clearInterval(timer);
    for (const track of stream.getTracks()) track.stop();
    void context.close();
  };
}

/** Which there are. Their names are told only once the microphone is granted. */
function useDevices(asked: string): MediaDeviceInfo[] {
  const [devices, setDevices] = useState<MediaDeviceInfo[]>([]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the names come with the permission
  useEffect(() => {
    const media = navigator.mediaDevices;
    if (!media) return;
    const look = () => void media.enumerateDevices().then(setDevices);
    look();
    media.addEventListener('devicechange', look);
    return () => media.removeEventListener('devicechange', look);
  }, [asked]);
  return devices;
}

/** A second of 440 Hz, at the chosen loudspeaker. */
function testTone(): void {
  const context = new AudioContext();
  const tone = context.createOscillator();
  const gain = context.createGain();
  const out = context.createMediaStreamDestination();
  tone.frequency.value = 440;
  gain.gain.value = 0.2;
  tone.connect(gain).connect(out);
  const element = new Audio();
  element.srcObject = out.stream;
  playAt(element);
  void element.play();
  tone.start();
  tone.stop(context.currentTime + 1);
  tone.onended = () => void context.close();
}

import { AudioOutlined, StopOutlined, UploadOutlined } from '@ant-design/icons';
import { Alert, Button, Space, Upload } from 'antd';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { duration } from '../../format';
import { microphone } from '../../phone/softphone';
import { wavOf } from '../../ui/telephony/wav';

type Recording = { kind: 'off' } | { kind: 'on'; since: number; recorder: MediaRecorder } | { kind: 'denied' };

/** As the server takes (docs/prompts.md). */
const BYTES_MAX = 24 * 1024 * 1024;

/** A sound file that is chosen, or spoken into the microphone; a field of a form. */
export function AudioInput({
  value,
  onChange,
  id,
}: {
  value?: Blob | null;
  onChange?: (value: Blob | null) => void;
  id?: string;
}) {
  const { t } = useTranslation();
  const [recording, setRecording] = useState<Recording>({ kind: 'off' });
  const [tooLarge, setTooLarge] = useState(false);
  const [now, setNow] = useState(0);
  const source = useRef<string>(undefined);
  const [heard, setHeard] = useState<string>();
  useEffect(() => {
    const url = value ? URL.createObjectURL(value) : undefined;
    source.current = url;
    setHeard(url);
    return () => {
      if (url) URL.revokeObjectURL(url);
    };
  }, [value]);
  useEffect(() => {
    if (recording.kind !== 'on') return;
    const { recorder } = recording;
    const timer = setInterval(() => setNow(Date.now()), 200);
    return () => {
      clearInterval(timer);
      for (const track of recorder.stream.getTracks()) track.stop();
    };
  }, [recording]);
  const begin = async () => {
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: microphone() });
      const recorder = new MediaRecorder(stream);
      recorder.addEventListener('dataavailable', ({ data }) => {
        void wavOf(data).then((file) => onChange?.(file));
      });
      recorder.start();
      setNow(Date.now());
      setRecording({ kind: 'on', since: Date.now(), recorder });
    } catch {
      setRecording({ kind: 'denied' });
    }
  };
  const end = () => {
    if (recording.kind === 'on') recording.recorder.stop();
    setRecording({ kind: 'off' });
  };
  return (
    <Space orientation="vertical" style={{ width: '100%' }} {...(id ? { id } : {})}>
      <Space wrap>
        <Upload
          accept=".wav,.mp3,audio/wav,audio/mpeg"
          showUploadList={false}
          beforeUpload={(file) => {
            setTooLarge(file.size > BYTES_MAX);
            if (file.size <= BYTES_MAX) onChange?.(file);
            return false;
          }}
        >
          <Button icon={<UploadOutlined />}>{t('prompt.choose')}</Button>
        </Upload>
        {recording.kind === 'on' ? (
          <Button danger type="primary" icon={<StopOutlined />} onClick={end}>
            {`${t('prompt.stop')} ${duration(now - recording.since)}`}
          </Button>
        ) : (
          <Button icon={<AudioOutlined />} onClick={() => void begin()}>
            {t('prompt.record')}
          </Button>
        )}
      </Space>
      {recording.kind === 'denied' && <Alert showIcon type="error" title={t('devices.denied')} />}
      {tooLarge && <Alert showIcon type="error" title={t('prompt.tooLarge')} />}
      {heard && (
        // biome-ignore lint/a11y/useMediaCaption: it was spoken just now
        <audio controls src={heard} data-testid="recorded" style={{ width: '100%' }} />
      )}
    </Space>
  );
}

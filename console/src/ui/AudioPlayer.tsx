import { CaretRightOutlined, DownloadOutlined, MutedOutlined, PauseOutlined, SoundOutlined } from '@ant-design/icons';
import { Alert, Button, Popover, Select, Slider } from 'antd';
import { useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { duration } from '../format';

const SPEEDS = [0.5, 1, 1.25, 1.5, 2];

/** Plays a recording: speed, position, volume, download (REC-01 to REC-03). */
export function AudioPlayer({ source, download }: { source: string; download?: string }) {
  const { t } = useTranslation();
  const audio = useRef<HTMLAudioElement>(null);
  const [isPlaying, setIsPlaying] = useState(false);
  const [at, setAt] = useState(0);
  const [total, setTotal] = useState(0);
  const [volume, setVolume] = useState(1);
  const [isMuted, setIsMuted] = useState(false);
  const [hasFailed, setHasFailed] = useState(false);
  const toggle = () => {
    if (!audio.current) return;
    if (isPlaying) audio.current.pause();
    else void audio.current.play().catch(() => setHasFailed(true));
  };
  const silence = () => {
    if (audio.current) audio.current.muted = !isMuted;
    setIsMuted(!isMuted);
  };
  const seek = (seconds: number) => {
    if (audio.current) audio.current.currentTime = seconds;
    setAt(seconds);
  };
  if (hasFailed) return <Alert type="error" showIcon title={t('player.failed')} />;
  const loudness = (
    <div style={{ height: 96 }}>
      <Slider
        vertical
        min={0}
        max={1}
        step={0.05}
        value={isMuted ? 0 : volume}
        tooltip={{ formatter: null }}
        onChange={(value) => {
          setVolume(value);
          setIsMuted(false);
          if (audio.current) Object.assign(audio.current, { volume: value, muted: false });
        }}
      />
    </div>
  );
  return (
    <div className="player">
      {/* biome-ignore lint/a11y/useMediaCaption: nobody has written down what is said on a telephone */}
      <audio
        ref={audio}
        src={source}
        preload="metadata"
        onPlay={() => setIsPlaying(true)}
        onPause={() => setIsPlaying(false)}
        onError={() => setHasFailed(true)}
        onTimeUpdate={({ currentTarget }) => setAt(currentTarget.currentTime)}
        onDurationChange={({ currentTarget }) => setTotal(currentTarget.duration || 0)}
      />
      <Button
        shape="circle"
        type="primary"
        aria-label={isPlaying ? t('player.pause') : t('player.play')}
        icon={isPlaying ? <PauseOutlined /> : <CaretRightOutlined />}
        onClick={toggle}
      />
      <Slider
        min={0}
        max={Number.isFinite(total) ? total : 0}
        step={0.1}
        value={at}
        aria-label={t('player.seek')}
        tooltip={{ formatter: (value) => duration((value ?? 0) * 1000) }}
        onChange={seek}
      />
      <span>{`${duration(at * 1000)} / ${duration(total * 1000)}`}</span>
      <Select
        size="small"
        defaultValue={1}
        aria-label={t('player.speed')}
        options={SPEEDS.map((value) => ({ value, label: `${value}x` }))}
        onChange={(value) => {
          if (audio.current) audio.current.playbackRate = value;
        }}
      />
      <Popover content={loudness} title={t('player.volume')}>
        <Button
          type="text"
          aria-label={isMuted ? t('player.unmute') : t('player.mute')}
          icon={isMuted ? <MutedOutlined /> : <SoundOutlined />}
          onClick={silence}
        />
      </Popover>
      {download && (
        <Button type="text" icon={<DownloadOutlined />} href={download} aria-label={t('records.download')} download />
      )}
    </div>
  );
}

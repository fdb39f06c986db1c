import { CaretRightOutlined, DownloadOutlined, MutedOutlined, PauseOutlined, SoundOutlined } from '@ant-design/icons';
import { Alert, Button, Popover, Select, Slider, theme } from 'antd';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { duration } from '../format';
import { LONGEST_S, outline } from './waveform';

const SPEEDS = [0.5, 1, 1.25, 1.5, 2];

interface Playing {
  source: string;
  /** Where it is had as a file. */
  download?: string | undefined;
  /** How long it is, as far as that is known before it is loaded. */
  lengthMs?: number | null | undefined;
  /** It begins by itself: somebody has just asked to hear it. */
  begins?: boolean;
}

/** Plays a recording: speed, position, outline, volume, download (REC-01 to REC-03). Nothing is loaded, and so noted, before it is played. */
export function AudioPlayer({ source, download, lengthMs, begins = false }: Playing) {
  const { t } = useTranslation();
  const audio = useRef<HTMLAudioElement>(null);
  const [isPlaying, setIsPlaying] = useState(false);
  const [isLoaded, setIsLoaded] = useState(begins);
  const [at, setAt] = useState(0);
  const [total, setTotal] = useState((lengthMs ?? 0) / 1000);
  const [hasFailed, setHasFailed] = useState(false);
  const bars = useOutline(source, isLoaded && total > 0 && total <= LONGEST_S);
  const toggle = () => {
    if (!audio.current) return;
    setIsLoaded(true);
    if (isPlaying) audio.current.pause();
    else void audio.current.play().catch((error: Error) => error.name === 'NotSupportedError' && setHasFailed(true));
  };
  const seek = (seconds: number) => {
    setIsLoaded(true);
    if (audio.current) audio.current.currentTime = seconds;
    setAt(seconds);
  };
  if (hasFailed) return <Alert type="error" showIcon title={t('player.failed')} />;
  return (
    <div className="player-box">
      {bars && <Outline bars={bars} played={total > 0 ? at / total : 0} seek={(part) => seek(part * total)} />}
      <div className="player">
        {/* biome-ignore lint/a11y/useMediaCaption: nobody has written down what is said on a telephone */}
        <audio
          ref={audio}
          src={source}
          preload="none"
          autoPlay={begins}
          onPlay={() => setIsPlaying(true)}
          onPause={() => setIsPlaying(false)}
          onError={() => setHasFailed(true)}
          onTimeUpdate={({ currentTarget }) => setAt(currentTarget.currentTime)}
          onDurationChange={({ currentTarget: { duration: length } }) => Number.isFinite(length) && setTotal(length)}
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
          max={total}
          step={0.1}
          value={at}
          ariaLabelForHandle={t('player.seek')}
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
        <Volume audio={audio} />
        {download && (
          <Button type="text" icon={<DownloadOutlined />} href={download} aria-label={t('records.download')} download />
        )}
      </div>
    </div>
  );
}

/** Hovering shows the slider, a click mutes, and the next one brings back what it was (REC-03). */
function Volume({ audio }: { audio: { current: HTMLAudioElement | null } }) {
  const { t } = useTranslation();
  const [volume, setVolume] = useState(1);
  const [isMuted, setIsMuted] = useState(false);
  const set = (loud: number, muted: boolean) => {
    setVolume(loud);
    setIsMuted(muted);
    if (audio.current) Object.assign(audio.current, { volume: loud, muted });
  };
  const slider = (
    <div style={{ height: 96 }}>
      <Slider
        vertical
        min={0}
        max={1}
        step={0.05}
        value={isMuted ? 0 : volume}
        ariaLabelForHandle={t('player.volume')}
        tooltip={{ formatter: null }}
        onChange={(value) => set(value, false)}
      />
    </div>
  );
  return (
    <Popover content={slider} title={t('player.volume')} placement="bottom">
      <Button
        type="text"
        aria-label={isMuted ? t('player.unmute') : t('player.mute')}
        icon={isMuted ? <MutedOutlined /> : <SoundOutlined />}
        onClick={() => set(volume, !isMuted)}
      />
    </Popover>
  );
}

function useOutline(source: string, isWanted: boolean): number[] | undefined {
  const [bars, setBars] = useState<number[]>();
  useEffect(() => {
    if (!isWanted) return;
    let isOver = false;
    outline(source).then(
      (found) => !isOver && setBars(found),
      () => undefined,
    );
    return () => {
      isOver = true;
    };
  }, [source, isWanted]);
  return bars;
}

const [WIDTH, HEIGHT] = [4, 40];

/** For the pointer alone: the slider below says and does the same for the keyboard. */
function Outline({ bars, played, seek }: { bars: number[]; played: number; seek: (part: number) => void }) {
  const { token } = theme.useToken();
  return (
    <svg
      aria-hidden="true"
      data-testid="waveform"
      className="player-outline"
      viewBox={`0 0 ${bars.length * WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      onClick={(event) => {
        const box = event.currentTarget.getBoundingClientRect();
        seek((event.clientX - box.left) / box.width);
      }}
    >
      {bars.map((loud, bar) => (
        <rect
          // biome-ignore lint/suspicious/noArrayIndexKey: the place is the time
          key={bar}
          x={bar * WIDTH}
          y={(HEIGHT * (1 - loud)) / 2}
          width={WIDTH - 1}
          height={Math.max(1, HEIGHT * loud)}
          fill={bar / bars.length < played ? token.colorPrimary : token.colorTextQuaternary}
        />
      ))}
    </svg>
  );
}

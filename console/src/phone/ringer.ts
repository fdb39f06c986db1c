import { usePreferences } from '../app/preferences';

/** The ring tone: beside the call's audio, so that it can be heard elsewhere and never is in a call. 450 Hz, one second of five. */
const PITCH_HZ = 450;
const ON_S = 1;
const EVERY_MS = 5_000;
const LOUDNESS = 0.2;

let context: AudioContext | undefined;
let timer: ReturnType<typeof setInterval> | undefined;

function once(): void {
  if (!context) return;
  const [tone, gain] = [context.createOscillator(), context.createGain()];
  const now = context.currentTime;
  tone.frequency.value = PITCH_HZ;
  gain.gain.setValueAtTime(0, now);
  gain.gain.linearRampToValueAtTime(LOUDNESS, now + 0.02);
  gain.gain.setValueAtTime(LOUDNESS, now + ON_S - 0.02);
  gain.gain.linearRampToValueAtTime(0, now + ON_S);
  tone.connect(gain).connect(context.destination);
  tone.start(now);
  tone.stop(now + ON_S);
}

/** Rings where one chose to be rung; a device that is gone rings at the browser's own. */
export function ring(): void {
  silence();
  const sinkId = usePreferences.getState().ringer;
  context = new AudioContext(sinkId ? ({ sinkId } as AudioContextOptions) : {});
  once();
  timer = setInterval(once, EVERY_MS);
}

export function silence(): void {
  clearInterval(timer);
  void context?.close();
  context = undefined;
}

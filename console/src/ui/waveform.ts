/** The outline of a sound, drawn once it is loaded: no recording is decoded that is longer than so, seconds. */
export const LONGEST_S = 600;
/** Bars over the whole length. */
const BARS = 160;

/** The loudest sample of each stretch over all channels, 0 to 1, as many stretches as there are bars. */
export function peaks(channels: readonly Float32Array[], bars = BARS): number[] {
  const length = channels[0]?.length ?? 0;
  return Array.from({ length: bars }, (_, bar) => {
    const [from, to] = [Math.floor((bar * length) / bars), Math.floor(((bar + 1) * length) / bars)];
    let most = 0;
    for (const channel of channels) {
      for (let at = from; at < to; at++) most = Math.max(most, Math.abs(channel[at] ?? 0));
    }
    return Math.min(1, most);
  });
}

/** The outline of what is at an address; nothing where this browser cannot decode it. */
export async function outline(source: string): Promise<number[] | undefined> {
  const answer = await fetch(source);
  if (!answer.ok) return undefined;
  // A low rate is enough for a picture, and cheap.
  const context = new OfflineAudioContext(1, 1, 8_000);
  const decoded = await context.decodeAudioData(await answer.arrayBuffer()).catch(() => undefined);
  if (!decoded) return undefined;
  return peaks(Array.from({ length: decoded.numberOfChannels }, (_, at) => decoded.getChannelData(at)));
}

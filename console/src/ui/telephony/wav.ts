const HEADER = 44;

/** Samples of -1 to 1 as a WAV file of 16 bits, one channel. */
export function wav(samples: Float32Array, rate: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEADER + samples.length * 2);
  const view = new DataView(bytes.buffer);
  const text = (at: number, word: string) => {
    for (const [nth, letter] of [...word].entries()) view.setUint8(at + nth, letter.charCodeAt(0));
  };
  text(0, 'RIFF');
  view.setUint32(4, bytes.length - 8, true);
  text(8, 'WAVEfmt ');
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, rate * 2, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, 'data');
  view.setUint32(40, samples.length * 2, true);
  samples.forEach((sample, nth) => {
    view.setInt16(HEADER + nth * 2, Math.round(Math.max(-1, Math.min(1, sample)) * 32_767), true);
  });
  return bytes;
}

/** What a browser recorded, in whatever form, as a WAV file: all channels mixed to one. */
export async function wavOf(recorded: Blob): Promise<Blob> {
  const context = new AudioContext();
  try {
    const sound = await context.decodeAudioData(await recorded.arrayBuffer());
    const mixed = new Float32Array(sound.length);
    for (let channel = 0; channel < sound.numberOfChannels; channel += 1) {
      sound.getChannelData(channel).forEach((sample, nth) => {
        mixed[nth] = (mixed[nth] ?? 0) + sample / sound.numberOfChannels;
      });
    }
    return new Blob([wav(mixed, sound.sampleRate)], { type: 'audio/wav' });
  } finally {
    await context.close();
  }
}

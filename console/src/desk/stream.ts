/** How long after a loss the connection is tried again, ms: longer each time, up to the last. */
const WAITS_MS = [500, 1_000, 2_000, 4_000, 8_000];
/** The server says something every two seconds; a silence of so long means that it is gone, ms. */
const SILENCE_MS = 8_000;
/** The session ended (RFC 6455, section 7.4.1: policy violation). */
const SIGNED_OUT = 1008;

export interface Told {
  message(text: string): void;
  lost(): void;
  signedOut(): void;
}

/** Opens a WebSocket of this server that only sends, and opens it again as often as it is lost. Returns what closes it for good. */
export function follow(path: string, told: Told): () => void {
  let socket: WebSocket | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let tries = 0;
  let isOver = false;
  const lost = () => {
    if (isOver) return;
    told.lost();
    clearTimeout(timer);
    timer = setTimeout(open, WAITS_MS[Math.min(tries++, WAITS_MS.length - 1)]);
  };
  const watch = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (socket) {
        socket.onclose = null;
        socket.close();
      }
      lost();
    }, SILENCE_MS);
  };
  const open = () => {
    socket = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}${path}`);
    watch();
    socket.onmessage = ({ data }: MessageEvent<string>) => {
      tries = 0;
      watch();
      told.message(data);
    };
    socket.onclose = ({ code }) => {
      if (code !== SIGNED_OUT) return lost();
      isOver = true;
      clearTimeout(timer);
      told.signedOut();
    };
  };
  open();
  return () => {
    isOver = true;
    clearTimeout(timer);
    if (socket) {
      socket.onclose = null;
      socket.close();
    }
  };
}

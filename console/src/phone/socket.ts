import type JsSIP from 'jssip';

type Library = typeof JsSIP;
type Disconnected = (error: boolean, code?: number, reason?: string) => void;

/** JsSIP's own socket, as it is used here. */
interface Inner {
  url: string;
  via_transport: string;
  sip_uri: string;
  connect(): void;
  disconnect(): void;
  isConnected(): boolean;
  isConnecting(): boolean;
  send(message: string | ArrayBufferLike | Blob | ArrayBufferView): boolean;
  onconnect: () => void;
  ondisconnect: Disconnected;
  ondata: (data: string) => void;
}

/** How often the server is asked whether it is there (RFC 5626, section 3.5), ms. */
const KEEP_ALIVE_MS = 5_000;

/** A WebSocket for JsSIP that finds out when its network is gone: a connection that died says nothing of it. */
export class KeptSocket {
  url = '';
  via_transport = '';
  sip_uri = '';
  onconnect: () => void = () => undefined;
  ondisconnect: Disconnected = () => undefined;
  ondata: (data: string) => void = () => undefined;
  private readonly inner: Inner;
  private timer: ReturnType<typeof setInterval> | undefined;
  private isHeard = true;

  constructor(library: Library, url: string) {
    this.inner = new library.WebSocketInterface(url) as unknown as Inner;
    this.url = this.inner.url;
    this.via_transport = this.inner.via_transport;
    this.sip_uri = this.inner.sip_uri;
    this.inner.onconnect = () => {
      this.begin();
      this.onconnect();
    };
    this.inner.ondisconnect = (...why) => {
      clearInterval(this.timer);
      this.ondisconnect(...why);
    };
    this.inner.ondata = (data) => {
      this.isHeard = true;
      this.ondata(data);
    };
  }

  connect(): void {
    this.inner.connect();
  }

  disconnect(): void {
    clearInterval(this.timer);
    this.inner.disconnect();
  }

  isConnected(): boolean {
    return this.inner.isConnected();
  }

  isConnecting(): boolean {
    return this.inner.isConnecting();
  }

  send(message: string | ArrayBufferLike | Blob | ArrayBufferView): boolean {
    return this.inner.send(message);
  }

  /** Gives the connection up: JsSIP opens another, and the server then restarts ICE. */
  renew(why: string): void {
    this.disconnect();
    this.ondisconnect(true, 1006, why);
  }

  private begin(): void {
    this.isHeard = true;
    this.timer = setInterval(() => {
      if (!this.isHeard) return this.renew('nothing is heard');
      this.isHeard = false;
      this.send('\r\n\r\n');
    }, KEEP_ALIVE_MS);
  }
}

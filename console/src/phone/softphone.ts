import type { UA } from 'jssip';
import type { RTCSession } from 'jssip/lib/RTCSession';
import type { Socket } from 'jssip/lib/Socket';
import { create } from 'zustand';
import { api, ask } from '../api/client';
import { usePreferences } from '../app/preferences';
import { claim, giveUp, isShared, onClaims } from './claim';
import type { Quality } from './quality';
import { ring, silence } from './ringer';
import { KeptSocket } from './socket';

/** Whether the server knows this browser as a phone. */
export type Registration =
  | { kind: 'off' }
  | { kind: 'connecting'; extension: string }
  | { kind: 'registered'; extension: string }
  | { kind: 'lost'; extension: string }
  /** Another page of this browser is the phone. */
  | { kind: 'elsewhere'; extension: string }
  | { kind: 'refused'; extension: string; cause: string };

/** The one line of this phone. What the call does (hold, consult, three) the server knows; here is only the audio. */
export type Line =
  | { kind: 'free'; failed?: string }
  | { kind: 'ringing'; from: string; since: number }
  | { kind: 'calling'; to: string }
  | { kind: 'up'; muted: boolean };

interface Phone {
  registration: Registration;
  line: Line;
}

export const usePhone = create<Phone>()((): Phone => ({ registration: { kind: 'off' }, line: { kind: 'free' } }));

/** The server rang this phone for its owner's own order (monitor, two-step dialling), or gives a call back after a reload. */
const ANSWERS_ITSELF = /answer-after=0/;
const RESUMED = 'Switchboard-Resumed-Call';
/** JsSIP waits for the end of gathering as long as that takes. The first candidate and those that come so soon after it are enough, ms. */
const GATHER_MS = 100;

let ua: UA | undefined;
let socket: KeptSocket | undefined;
let session: RTCSession | undefined;
let iceServers: RTCIceServer[] = [];
const speaker = typeof Audio === 'undefined' ? undefined : new Audio();

const setLine = (line: Line) => usePhone.setState({ line });
const options = () => ({ mediaConstraints: { audio: microphone(), video: false }, pcConfig: { iceServers } });

/** The one that was chosen, while it is there. */
export function microphone(): MediaTrackConstraints | true {
  const deviceId = usePreferences.getState().microphone;
  return deviceId ? { deviceId: { ideal: deviceId } } : true;
}

/** Plays at the chosen loudspeaker; where that is gone, at the browser's own. */
export function playAt(element: HTMLAudioElement): void {
  const sink = usePreferences.getState().speaker;
  if ('setSinkId' in element) void element.setSinkId(sink).catch(() => undefined);
}

/**
 * The name of this browser's phone: the page that registers by it next, after a reload or instead of another one, is given the call that
 * runs (ADR 0125). Where pages cannot agree which of them it is, each has its own.
 */
function instance(): string {
  const storage = isShared ? localStorage : sessionStorage;
  const known = storage.getItem('sip-instance');
  if (known) return known;
  const bytes = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0'));
  const made = bytes.join('').replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, '$1-$2-4$3-8$4-$5');
  storage.setItem('sip-instance', made);
  return made;
}

/** Makes this page a phone of the extension; resolves once it is registered, or another page keeps it, or it is refused. */
export async function register(extension: string): Promise<void> {
  drop();
  usePhone.setState({ registration: { kind: 'connecting', extension } });
  try {
    if (!(await claim())) return usePhone.setState({ registration: { kind: 'elsewhere', extension } });
    const [{ default: library }, account] = await Promise.all([
      import('jssip'),
      ask(api.POST('/api/v1/session/sip-credential', { body: { extension } })),
    ]);
    iceServers = account.ice_servers;
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
    socket = new KeptSocket(library, `${scheme}://${location.host}${account.path}`);
    const agent = new library.UA({
      sockets: [socket as unknown as Socket],
      uri: account.uri,
      password: account.password,
      realm: account.realm,
      authorization_user: account.username,
      instance_id: instance(),
      connection_recovery_min_interval: 1,
      connection_recovery_max_interval: 4,
      register: true,
    });
    await started(agent, extension);
  } catch (error) {
    usePhone.setState({ registration: { kind: 'refused', extension, cause: String((error as Error).message) } });
    throw error;
  }
}

function started(agent: UA, extension: string): Promise<void> {
  ua = agent;
  const set = (registration: Registration) => {
    if (ua === agent) usePhone.setState({ registration });
  };
  return new Promise((resolve, reject) => {
    agent.on('registered', () => {
      set({ kind: 'registered', extension });
      resolve();
    });
    agent.on('registrationFailed', ({ cause }) => {
      set({ kind: 'refused', extension, cause: cause ?? '' });
      reject(new Error(cause ?? ''));
    });
    agent.on('disconnected', () => set({ kind: 'lost', extension }));
    agent.on('newRTCSession', (event: { session: RTCSession; originator: string; request: unknown }) => {
      if (event.originator === 'remote') rung(event.session, event.request as Headers);
    });
    agent.start();
  });
}

/** What is read of an INVITE. */
interface Headers {
  getHeader(name: string): string | undefined;
  from: { uri: { user: string } };
}

function rung(one: RTCSession, request: Headers): void {
  if (session) {
    one.terminate({ status_code: 486 });
    return;
  }
  begin(one);
  if (request.getHeader(RESUMED) || ANSWERS_ITSELF.test(request.getHeader('Call-Info') ?? '')) {
    one.answer(options());
    return;
  }
  setLine({ kind: 'ringing', from: request.from.uri.user ?? '', since: Date.now() });
  ring();
}

function begin(one: RTCSession): void {
  session = one;
  one.on('icecandidate', ({ ready }: { ready: () => void }) => setTimeout(ready, GATHER_MS));
  const listen = (connection: RTCPeerConnection) => {
    connection.addEventListener('track', ({ track }) => {
      if (!speaker) return;
      speaker.srcObject = new MediaStream([track]);
      playAt(speaker);
      void speaker.play().catch(() => undefined);
    });
    connection.addEventListener('iceconnectionstatechange', () => {
      if (['disconnected', 'failed'].includes(connection.iceConnectionState)) renew('ICE');
    });
  };
  if (one.connection) listen(one.connection as unknown as RTCPeerConnection);
  one.on('peerconnection', ({ peerconnection }: { peerconnection: unknown }) =>
    listen(peerconnection as RTCPeerConnection),
  );
  one.on('confirmed', () => {
    silence();
    setLine({ kind: 'up', muted: false });
  });
  one.on('accepted', silence);
  one.on('ended', () => over(one));
  one.on('failed', ({ originator, cause }: { originator: string; cause: string }) => {
    const mine = usePhone.getState().line.kind === 'calling' && originator !== 'local';
    over(one, mine || cause === 'User Denied Media Access' ? cause : undefined);
  });
}

/** CALL-29: what is chosen during a call is used at once. JsSIP ends the microphone that it opened; the one that came after it ends here. */
let exchanged: MediaStreamTrack | undefined;

usePreferences.subscribe((now, before) => {
  if (now.speaker !== before.speaker && speaker) playAt(speaker);
  if (now.microphone !== before.microphone) void exchangeMicrophone().catch(() => undefined);
});

async function exchangeMicrophone(): Promise<void> {
  const connection = session?.connection as unknown as RTCPeerConnection | undefined;
  const sender = connection?.getSenders().find(({ track }) => track?.kind === 'audio');
  if (!sender?.track) return;
  const before = sender.track;
  const [track] = (await navigator.mediaDevices.getUserMedia({ audio: microphone() })).getAudioTracks();
  if (!track) return;
  if (!session) return track.stop();
  track.enabled = before.enabled;
  await sender.replaceTrack(track);
  before.stop();
  exchanged = track;
}

function over(one: RTCSession, failed?: string): void {
  if (session !== one) return;
  session = undefined;
  exchanged?.stop();
  exchanged = undefined;
  silence();
  if (speaker) speaker.srcObject = null;
  setLine(failed === undefined ? { kind: 'free' } : { kind: 'free', failed });
}

/** Another network, perhaps: with a new connection the server asks for a restart of ICE. */
function renew(why: string): void {
  if (navigator.onLine && ua?.isRegistered()) socket?.renew(why);
}
if (typeof window !== 'undefined') {
  window.addEventListener('online', () => renew('online'));
}

/** `undefined` while there is no call. */
export async function quality(): Promise<Quality | undefined> {
  const connection = session?.connection as unknown as RTCPeerConnection | undefined;
  const stats: Record<string, unknown>[] = connection ? [...(await connection.getStats()).values()] : [];
  const inbound = stats.find(({ type }) => type === 'inbound-rtp');
  if (!inbound) return undefined;
  const pair = stats.find(
    ({ type, state, nominated }) => type === 'candidate-pair' && state === 'succeeded' && nominated,
  );
  return {
    roundTripMs: pair && Number(pair.currentRoundTripTime) * 1000,
    jitterMs: Number(inbound.jitter ?? 0) * 1000,
    received: Number(inbound.packetsReceived ?? 0),
    lost: Number(inbound.packetsLost ?? 0),
  };
}

/** This browser is a phone no more, in whichever page. */
export function unregister(): void {
  giveUp();
  drop();
}

/** Another page is the phone: it is given the call, which nobody hangs up here. */
function abandon(): void {
  const { registration } = usePhone.getState();
  if (registration.kind === 'off' || registration.kind === 'elsewhere') return;
  socket?.disconnect();
  const connection = session?.connection as unknown as RTCPeerConnection | undefined;
  for (const { track } of connection?.getSenders() ?? []) track?.stop();
  connection?.close();
  [ua, socket, session, exchanged] = [undefined, undefined, undefined, undefined];
  silence();
  if (speaker) speaker.srcObject = null;
  usePhone.setState({ registration: { kind: 'elsewhere', extension: registration.extension }, line: { kind: 'free' } });
}

onClaims({
  mayLetGo: () => ['free', 'up'].includes(usePhone.getState().line.kind),
  letGo: abandon,
  over: drop,
  back: () => {
    const { registration } = usePhone.getState();
    if (registration.kind === 'elsewhere') register(registration.extension).catch(() => undefined);
  },
});

function drop(): void {
  session?.terminate();
  const old = ua;
  [ua, socket, session] = [undefined, undefined, undefined];
  silence();
  old?.stop();
  usePhone.setState({ registration: { kind: 'off' }, line: { kind: 'free' } });
}

export function call(number: string): void {
  if (!ua || session) return;
  setLine({ kind: 'calling', to: number });
  begin(ua.call(number, options()));
}

export function answer(): void {
  silence();
  session?.answer(options());
}

/** Rejects what rings (AGT-19), cancels what is dialled, ends what is up. */
export function hangUp(): void {
  if (usePhone.getState().line.kind === 'ringing') session?.terminate({ status_code: 603 });
  else session?.terminate();
}

export function mute(muted: boolean): void {
  if (!session) return;
  if (muted) session.mute({ audio: true });
  else session.unmute({ audio: true });
  setLine({ kind: 'up', muted });
}

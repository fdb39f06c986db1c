// The page of the browser phone. It registers by itself after a reload, and comes back to its call as a page of the product has to.
import JsSIP from 'jssip';

let ua;
let session;
let analyser;
let heard;
let kept;
const context = new AudioContext();

// Whatever takes a connection or the microphone, here it is known.
const connections = [];
const microphones = [];
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...given) { super(...given); connections.push(this); }
};
const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (wanted) => {
  const stream = await open(wanted);
  microphones.push(...stream.getTracks());
  return stream;
};

// The tone of a page is its own: no echo canceller, no noise suppression, no gain control crushes it.
const audio = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
const options = { mediaConstraints: { audio, video: false }, pcConfig: { iceServers: [] } };

// How often the page asks the server whether it is there (RFC 5626, section 3.5), and how long it waits for that.
const KEEP_ALIVE_MS = 5000;

// A connection over a network that is gone says nothing of it: it is given up here, and JsSIP opens another.
class Socket {
  constructor(url) {
    this.inner = new JsSIP.WebSocketInterface(url);
    ({ url: this.url, sip_uri: this.sip_uri, via_transport: this.via_transport } = this.inner);
    this.inner.onconnect = () => { this.begin(); this.onconnect(); };
    this.inner.ondisconnect = (...why) => { clearInterval(this.timer); this.ondisconnect(...why); };
    this.inner.ondata = (data) => { this.heard = true; this.ondata(data); };
  }
  connect() { this.inner.connect(); }
  send(message) { return this.inner.send(message); }
  disconnect() {
    clearInterval(this.timer);
    this.inner.disconnect();
  }
  begin() {
    this.heard = true;
    this.timer = setInterval(() => {
      if (!this.heard) return renew('nothing is heard');
      this.heard = false;
      this.send('\r\n\r\n');
    }, KEEP_ALIVE_MS);
  }
  renew(why) {
    this.disconnect();
    this.ondisconnect(true, 1006, why);
  }
}
let socket;

// The network is another one, perhaps: with a new connection, registered, the server asks for a restart of ICE.
function renew(why) {
  // Without a registration JsSIP is about to connect as it is.
  if (!navigator.onLine || !ua?.isRegistered()) return;
  window.say({ event: 'renewing', why });
  socket.renew(why);
}
for (const target of [window, navigator.connection]) {
  for (const event of ['online', 'change']) target.addEventListener(event, () => renew(event));
}

// What a connection of media says of its way.
function watch(pc) {
  pc.addEventListener('iceconnectionstatechange', () => {
    if (['disconnected', 'failed'].includes(pc.iceConnectionState)) renew(`ICE is ${pc.iceConnectionState}`);
  });
}

function follow(one) {
  session = one;
  // JsSIP waits for the end of gathering as long as that takes.
  one.on('icecandidate', (event) => event.ready());
  const listen = (pc) => pc.addEventListener('track', ({ track }) => {
    const stream = new MediaStream([track]);
    heard = stream;
    // Chromium lets nothing through to Web Audio that no element plays.
    Object.assign(new Audio(), { srcObject: stream, muted: true }).play();
    analyser = context.createAnalyser();
    analyser.fftSize = 8192;
    context.createMediaStreamSource(stream).connect(analyser);
  });
  for (const begin of [listen, watch]) {
    if (one.connection) begin(one.connection);
    one.on('peerconnection', ({ peerconnection }) => begin(peerconnection));
  }
  for (const event of ['progress', 'confirmed', 'hold', 'unhold', 'reinvite', 'update']) {
    one.on(event, () => window.say({ event }));
  }
  one.on('ended', ({ cause }) => window.say({ event: 'ended', cause }));
  one.on('failed', ({ cause, message }) => window.say({ event: 'failed-call', cause, status: message?.status_code }));
}

function start(account) {
  const { uri, username, password, realm } = account;
  socket = new Socket(account.socket);
  ua = new JsSIP.UA({
    sockets: [socket],
    connection_recovery_min_interval: 1,
    connection_recovery_max_interval: 4,
    uri, password, realm, authorization_user: username, instance_id: account.instance, register: true,
  });
  ua.on('registered', () => window.say({ event: 'registered' }));
  ua.on('registrationFailed', ({ cause }) => window.say({ event: 'refused', cause }));
  ua.on('disconnected', () => window.say({ event: 'disconnected' }));
  ua.on('newRTCSession', ({ session: one, originator, request }) => {
    follow(one);
    if (originator !== 'remote') return;
    const resumed = request.getHeader('Switchboard-Resumed-Call') ?? null;
    const at_once = /;\s*answer-after=0/.test(request.getHeader('Call-Info') ?? '');
    window.say({ event: 'incoming', from: request.from.uri.user, resumed, at_once });
    if (at_once) one.answer(options);
  });
  ua.start();
}

// Until the server has agreed to what `ask` offers it.
const agreed = (ask) => new Promise((done, refuse) => {
  if (!ask(() => done())) refuse(new Error('an offer is under way'));
});

window.phone = {
  register(account) {
    sessionStorage.setItem('account', JSON.stringify(account));
    start(account);
  },
  call: ({ to }) => void ua.call(to, options),
  answer: () => session.answer(options),
  hang_up: () => session.terminate(),
  refuse: ({ status }) => session.terminate({ status_code: status }),
  hold: ({ by_update }) => agreed((done) => session.hold({ useUpdate: by_update }, done)),
  unhold: ({ by_update }) => agreed((done) => session.unhold({ useUpdate: by_update }, done)),
  mute: () => session.mute(),
  unmute: () => session.unmute(),
  dtmf: ({ tones, by }) => session.sendDTMF(tones, { transportType: by, interToneGap: 100 }),
  restart_ice: () => agreed((done) => session.renegotiate({ rtcOfferConstraints: { iceRestart: true } }, done)),
  unregister: () => ua.stop(),
  // By which of its addresses it reaches the server.
  async way() {
    const stats = await session.connection.getStats();
    const transport = [...stats.values()].find((one) => one.type === 'transport');
    const pair = stats.get(transport?.selectedCandidatePairId);
    return { state: session.connection.iceConnectionState, address: stats.get(pair?.localCandidateId)?.address ?? null };
  },
  // What was taken since the page was loaded, and what of that is not given back.
  taken: () => ({
    connections: [connections.length, connections.filter((one) => one.signalingState !== 'closed').length],
    microphones: [microphones.length, microphones.filter((one) => one.readyState !== 'ended').length],
  }),
  // The codec that comes, and how loud each pitch is, in dB.
  async hear({ pitches }) {
    await context.resume();
    const bins = new Float32Array(analyser.frequencyBinCount);
    analyser.getFloatFrequencyData(bins);
    const at = (hz) => Math.max(...[-1, 0, 1].map((near) => bins[Math.round((hz * 8192) / context.sampleRate) + near]));
    const stats = [...(await session.connection.getStats()).values()];
    const inbound = stats.find((one) => one.type === 'inbound-rtp');
    const codec = stats.find((one) => one.id === inbound?.codecId)?.mimeType ?? null;
    return { levels: pitches.map((hz) => { const level = at(hz); return Number.isFinite(level) ? level : -200; }), codec, packets: inbound?.packetsReceived ?? 0 };
  },
};

// What is heard, sample by sample: the audio thread hands over each block, so that a busy page drops none.
const KEEPER = `registerProcessor('keeper', class extends AudioWorkletProcessor {
  process([[block]]) { if (block) this.port.postMessage(block.slice()); return true; }
})`;

window.phone.record = async () => {
  const recorder = new AudioContext({ sampleRate: 16000 });
  await recorder.audioWorklet.addModule(URL.createObjectURL(new Blob([KEEPER], { type: 'text/javascript' })));
  const keeper = new AudioWorkletNode(recorder, 'keeper', { channelCount: 1, channelCountMode: 'explicit' });
  const blocks = [];
  keeper.port.onmessage = ({ data }) => blocks.push(data);
  recorder.createMediaStreamSource(heard).connect(keeper);
  await recorder.resume();
  kept = blocks;
};

// What was kept, as 16 bit in base64.
window.phone.save = () => {
  const samples = Int16Array.from(kept.flatMap((block) => [...block]), (one) => Math.max(-1, Math.min(1, one)) * 32767);
  const bytes = new Uint8Array(samples.buffer);
  let text = '';
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
};

const known = sessionStorage.getItem('account');
if (known) start(JSON.parse(known));

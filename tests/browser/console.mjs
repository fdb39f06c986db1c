// The console as its users see it, for tests: told what to do by lines of JSON and telling what happened the same way.
// `node console.mjs CAPTURE.wav ORIGIN`: the microphone hears the file.
import { createInterface } from 'node:readline';
import { openBrowser, signIn } from './console_browser.mjs';
import { faultsOf } from './judge.mjs';

const [capture, origin] = process.argv.slice(2);
const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);
const PATIENCE_MS = 15_000;

const browser = await openBrowser(capture);
const context = await browser.newContext({ viewport: { width: 1280, height: 720 }, ignoreHTTPSErrors: true });
context.setDefaultTimeout(PATIENCE_MS);
await context.grantPermissions(['microphone', 'clipboard-read', 'clipboard-write'], { origin });
// A tone passes as it is, and what the page is connected by can be looked at.
await context.addInitScript(() => {
  window.connections = [];
  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...given) { super(...given); window.connections.push(this); }
  };
  const play = HTMLMediaElement.prototype.setSinkId;
  HTMLMediaElement.prototype.setSinkId = function (sink) { window.sink = sink; return play.call(this, sink); };
  const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  const audio = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  navigator.mediaDevices.getUserMedia = (wanted) =>
    open({ ...wanted, audio: wanted.audio === true ? audio : { ...wanted.audio, ...audio } });
});
const pages = [];
const openPage = async () => {
  const made = await context.newPage();
  made.on('console', (line) => process.stderr.write(`${line.text()}\n`));
  made.on('pageerror', (error) => say({ event: 'error', text: String(error) }));
  await made.goto(origin);
  pages.push(made);
  return made;
};
// The one that is told what to do.
let page = await openPage();
say({ event: 'ready', version: browser.version() });

/** By role and name, or by what it is marked with; `within` another such. */
const everyOne = ({ role, name, id, text, label, within }) => {
  const all = within ? find(within) : page;
  if (label) return all.getByLabel(label, { exact: true });
  const found = id ? all.getByTestId(id) : role ? all.getByRole(role, name ? { name, exact: true } : {}) : all.getByText(text);
  return text && (id || role) ? found.filter({ hasText: text }) : found;
};
const find = (what) => (what.label ? everyOne(what) : everyOne(what).first());

const verbs = {
  sign_in: ({ login, password }) => signIn(page, login, password),
  fill: ({ into, text }) => find({ label: into }).fill(text),
  click: (what) => find(what).click(),
  focus: (what) => find(what).focus(),
  hover: (what) => find(what).hover(),
  right_click: (what) => find(what).click({ button: 'right' }),
  press: ({ key }) => page.keyboard.press(key),
  see: (what) => find(what).waitFor(),
  gone: (what) => find(what).waitFor({ state: 'hidden' }),
  go: ({ path }) => page.goto(origin + path),
  text: (what) => find(what).textContent(),
  mark: () => page.evaluate(() => { window.marked = true; }),
  is_marked: () => page.evaluate(() => window.marked === true),
  is_wide: () => page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth),
  tabs: () => page.getByRole('tab').allTextContents(),
  count: (what) => everyOne(what).count(),
  // What the page plays: a recording or a message.
  sound: () => page.locator('audio').last().evaluate(({ currentTime, muted, paused, playbackRate, volume }) =>
    [currentTime, muted, paused, playbackRate, volume]),
  // What came in is so loud, all in all.
  energy: () => page.evaluate(async () => {
    const last = window.connections.at(-1);
    const stats = last ? [...(await last.getStats()).values()] : [];
    return stats.find((one) => one.type === 'inbound-rtp')?.totalAudioEnergy ?? 0;
  }),
  // How loud a pitch is in what comes in just now, dB of full scale.
  pitch: ({ hz }) => page.evaluate(async (hz) => {
    const track = window.connections.at(-1)?.getReceivers()[0]?.track;
    if (!track) return -200;
    if (window.ear?.track !== track) {
      window.ear?.context.close();
      const context = new AudioContext();
      const analyser = context.createAnalyser();
      Object.assign(analyser, { fftSize: 16384, smoothingTimeConstant: 0 });
      context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
      window.ear = { track, context, analyser };
      await context.resume();
    }
    const { context, analyser } = window.ear;
    const bins = new Float32Array(analyser.frequencyBinCount);
    analyser.getFloatFrequencyData(bins);
    const at = Math.round((hz * analyser.fftSize) / context.sampleRate);
    return Math.max(-200, ...bins.subarray(at - 2, at + 3));
  }, hz),
  faults: ({ language }) => faultsOf(page, language),
  // More pages of one browser: another one, by its number, or no more of the one that is looked at.
  open_page: async () => { page = await openPage(); },
  to_page: async ({ number }) => { page = pages[number]; await page.bringToFront(); },
  close_page: async () => { await page.close(); pages.splice(pages.indexOf(page), 1); page = pages[0]; },
  in_view: (what) => find(what).evaluate((one) => {
    const { top, bottom } = one.getBoundingClientRect();
    return top >= 0 && bottom <= window.innerHeight;
  }),
  // How long a change of its looks takes.
  transition: (what) => find(what).evaluate((one) => getComputedStyle(one).transitionDuration),
  prefer_still: () => page.emulateMedia({ reducedMotion: 'reduce' }),
  attribute: ({ attribute, ...what }) => find(what).getAttribute(attribute),
  focused: () => page.evaluate(() => {
    const one = document.activeElement;
    return one?.labels?.[0]?.textContent ?? one?.getAttribute('aria-label') ?? one?.textContent ?? '';
  }),
  paste: async ({ text }) => {
    await page.evaluate((text) => navigator.clipboard.writeText(text), text);
    await page.keyboard.press('Control+V');
  },
  // Which microphone the call has, and at which loudspeaker it plays.
  microphone: () => page.evaluate(() => window.connections.at(-1).getSenders()[0].track.getSettings().deviceId),
  sink: () => page.evaluate(() => window.sink ?? ''),
  type: ({ text }) => page.keyboard.type(text),
  is_outlined: () => page.evaluate(() => {
    const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(document.activeElement);
    return (outlineStyle !== 'none' && outlineWidth !== '0px') || boxShadow !== 'none';
  }),
  shot: ({ path }) => page.screenshot({ path }),
  // Settings: a button of a row; in the form at the side a field, and one of what it offers; the fields that are marked as required.
  click_in_row: ({ row, name }) =>
    page.getByRole('row').filter({ hasText: row }).getByRole('button', { name, exact: true }).click(),
  fill_in_dialog: ({ into, text }) => page.getByRole('dialog').last().getByLabel(into, { exact: true }).fill(text),
  choose: async ({ label, option }) => {
    await page.getByRole('dialog').last().getByLabel(label, { exact: true }).click();
    await page.locator('.ant-select-dropdown:visible').getByText(option, { exact: true }).last().click();
  },
  required: () => page.locator('form label').evaluateAll((labels) =>
    labels.filter((label) => getComputedStyle(label, '::before').content.includes('*')).map((label) => label.textContent)),
  is_disabled: (what) => find(what).isDisabled(),
  // Why a button cannot be pressed.
  described: (what) => find(what).getAttribute('aria-description'),
  is_full: () => page.evaluate(() => document.fullscreenElement !== null),
  value: (what) => find(what).inputValue(),
  // One of what a field offers, by the field's label.
  pick: async ({ label, option }) => {
    const field = page.getByLabel(label, { exact: true }).first();
    await field.click();
    if (await field.isEditable()) await field.fill(option);
    await page.locator('.ant-select-dropdown:visible .ant-select-item-option').filter({ hasText: option }).first().click();
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { do: verb, ...what } = JSON.parse(line);
  try {
    const result = await verbs[verb](what);
    say({ event: 'done', verb, result: typeof result === 'object' && !Array.isArray(result) ? null : (result ?? null) });
  } catch (error) {
    say({ event: 'failed', verb, text: String(error) });
  }
}
await browser.close();

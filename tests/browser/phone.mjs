// A browser phone for tests: Chromium with JsSIP in it, told what to do by lines of JSON and telling what happens the same way.
// `node phone.mjs CAPTURE.wav ORIGIN`: the microphone hears the file, the page is one of ORIGIN (both WebSockets check that).
import { writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { chromium } from 'playwright-core';

const [capture, origin] = process.argv.slice(2);
const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);

const bundle = await build({
  entryPoints: [fileURLToPath(new URL('page.js', import.meta.url))],
  bundle: true,
  write: false,
  platform: 'browser',
});
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--use-fake-device-for-media-stream',
    '--use-fake-ui-for-media-stream', `--use-file-for-fake-audio-capture=${capture}`,
    '--allow-loopback-in-peer-connection', '--autoplay-policy=no-user-gesture-required',
    '--ignore-certificate-errors',
    // The page comes from here, not from the address it names, and shall reach loopback all the same.
    '--disable-features=LocalNetworkAccessChecks,LocalNetworkAccessChecksWebSockets,LocalNetworkAccessChecksWebRTC',
  ],
});
const context = await browser.newContext({ ignoreHTTPSErrors: true });
const page = await context.newPage();
page.on('console', (line) => process.stderr.write(`${line.text()}\n`));
page.on('pageerror', (error) => say({ event: 'error', text: String(error) }));
await page.exposeFunction('say', say);
await page.route(`${origin}/phone`, (route) => route.fulfill({
  contentType: 'text/html',
  body: `<!doctype html><title>phone</title><script>${bundle.outputFiles[0].text}</script>`,
}));
await page.goto(`${origin}/phone`);
say({ event: 'ready', version: browser.version() });

for await (const line of createInterface({ input: process.stdin })) {
  const { do: verb, ...what } = JSON.parse(line);
  try {
    if (verb === 'reload') await page.reload();
    else if (verb === 'save') {
      await writeFile(what.path, Buffer.from(await page.evaluate(() => window.phone.save()), 'base64'));
      say({ event: 'done', verb });
    } else say({ event: 'done', verb, result: await page.evaluate(([v, w]) => window.phone[v](w), [verb, what]) ?? null });
  } catch (error) {
    say({ event: 'failed', verb, text: String(error) });
  }
}
await browser.close();

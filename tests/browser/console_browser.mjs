// What the drivers of the console share: a Chromium with a microphone, and the way in.
import { chromium } from 'playwright-core';

/** Hears the file, or a beep. */
export function openBrowser(capture) {
  return chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync', '--use-fake-device-for-media-stream',
      '--use-fake-ui-for-media-stream', ...(capture ? [`--use-file-for-fake-audio-capture=${capture}`] : []),
      '--allow-loopback-in-peer-connection', '--autoplay-policy=no-user-gesture-required',
      '--ignore-certificate-errors',
      '--disable-features=LocalNetworkAccessChecks,LocalNetworkAccessChecksWebSockets,LocalNetworkAccessChecksWebRTC',
    ],
  });
}

/** Fills the login page, whichever language it speaks. */
export async function signIn(page, login, password) {
  await page.locator('input[autocomplete=username]').fill(login);
  await page.locator('input[autocomplete=current-password]').fill(password);
  await page.locator('button[type=submit]').click();
  await page.locator('.frame').waitFor();
}

// Walks every page that the menu offers, and tells what is wrong with it as lines of JSON: `node console_walk.mjs ORIGIN LOGIN PASSWORD LANGUAGE THEME`. Where a page begins something new, its form is opened, too. Judged by `judge.mjs`, and by whether a page
// complains.
import { openBrowser, signIn } from './console_browser.mjs';
import { faultsOf } from './judge.mjs';

const [origin, login, password, language, theme] = process.argv.slice(2);
const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);
// A missing session is looked for on purpose.
const EXPECTED = /status of (401|403|404)|WebSocket is closed before/;

const browser = await openBrowser();

async function open() {
  const context = await browser.newContext({ viewport: { width: 1280, height: 720 }, reducedMotion: 'reduce', ignoreHTTPSErrors: true });
  context.setDefaultTimeout(15_000);
  await context.addInitScript(
    (kept) => localStorage.getItem('switchboard-console') ?? localStorage.setItem('switchboard-console', kept),
    JSON.stringify({ state: { language, theme, folded: false, way: 'none', extension: '' }, version: 0 }),
  );
  const page = await context.newPage();
  const about = () => ({ language, theme, page: new URL(page.url()).pathname });
  page.on('pageerror', (error) => say({ ...about(), fault: `threw ${error}` }));
  page.on('console', (line) => {
    if (line.type() === 'error' && !EXPECTED.test(line.text())) say({ ...about(), fault: `complained: ${line.text()}` });
  });
  await page.goto(origin);
  await page.locator('form').waitFor();
  return { page, about };
}

async function judge({ page, about }, form) {
  for (const one of await faultsOf(page, about().language)) say({ ...about(), ...(form && { form }), ...one });
}

/** The pages behind the menu, its groups unfolded. */
async function pages(page) {
  const menu = page.getByRole('menu').first();
  await menu.waitFor();
  const folded = menu.locator('.ant-menu-submenu:not(.ant-menu-submenu-open) > .ant-menu-submenu-title');
  while (await folded.count()) await folded.first().click();
  await page.waitForFunction(() => !document.querySelector('.ant-motion-collapse-active'));
  return menu.locator('.ant-menu-item');
}

/** The form behind the first button of the page that makes something new. */
async function form(seen) {
  const { page } = seen;
  const button = page.locator('main button.ant-btn-primary:not([disabled]):has(.anticon-plus):visible').first();
  if (!(await button.count())) return;
  await button.click();
  const dialog = page.locator('.ant-drawer-content-wrapper:visible, .ant-modal:visible').first();
  await dialog.waitFor({ timeout: 3_000 }).catch(() => undefined);
  const name = await button.textContent();
  await judge(seen, name);
  say({ ...seen.about(), form: name, opened: true });
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'hidden', timeout: 3_000 }).catch(() => undefined);
}

const seen = await open();
await judge(seen);
await signIn(seen.page, login, password);
const entries = await pages(seen.page);
const count = await entries.count();
for (let at = 0; at < count; at += 1) {
  const entry = entries.nth(at);
  await entry.click();
  // The page before stays until this one is there.
  await seen.page.waitForFunction((one) => one.classList.contains('ant-menu-item-selected'), await entry.elementHandle());
  await judge(seen);
  await form(seen);
  say({ ...seen.about(), walked: true });
}
await browser.close();

// Walks every page that the menu offers, in Chinese by day and in English by night, and tells what is wrong with it as lines of JSON:
// `node console_walk.mjs ORIGIN LOGIN PASSWORD`. Judged by axe-core (WCAG 2.2 A and AA), by the script of the other language, and by whether
// a page scrolls to the side or complains.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { openBrowser, signIn } from './console_browser.mjs';

const [origin, login, password] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);
// A missing session is looked for on purpose.
const EXPECTED = /status of (401|403|404)|WebSocket is closed before/;
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
const GRAVE = ['serious', 'critical'];

// What antd draws and pages cannot change: the list of open tabs holds the buttons that close them, and a wide table without rows has nothing that
// takes the focus.
const KNOWN = { 'aria-required-children': 'ant-tabs-nav', 'scrollable-region-focusable': 'ant-table-content' };

const browser = await openBrowser();

async function open(language, theme) {
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

async function settled(page) {
  await page.waitForLoadState('networkidle', { timeout: 1_000 }).catch(() => undefined);
  for (const busy of await page.locator('.ant-skeleton:visible, .ant-spin-spinning:visible').all()) {
    await busy.waitFor({ state: 'hidden' }).catch(() => undefined);
  }
}

/** What is grave, without what is known. */
async function violations(page) {
  const { violations } = await page.evaluate((rules) => window.axe.run(document, { runOnly: rules, resultTypes: ['violations'] }), RULES);
  return violations.filter(({ impact }) => GRAVE.includes(impact)).flatMap(({ id, impact, help, nodes }) => {
    const at = nodes.map(({ html }) => html.slice(0, 160)).filter((html) => !(KNOWN[id] && html.includes(KNOWN[id])));
    return at.length ? [{ fault: `${impact} ${id}: ${help}`, at: at.slice(0, 3) }] : [];
  });
}

async function judge({ page, about }) {
  await settled(page);
  // Not as a script of the page, which its policy does not let in.
  await page.evaluate(axe);
  let found = await violations(page);
  if (found.length) {
    // A list that is just read again is faint: what stays is a fault.
    await settled(page);
    found = await violations(page);
  }
  for (const one of found) say({ ...about(), ...one });
  if (await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth)) say({ ...about(), fault: 'scrolls to the side' });
  for (const text of await strange(page, about().language)) say({ ...about(), fault: `says ${text}` });
}

/** Words of another language, and names of words that are missing. What people typed themselves is marked with `data-own`. */
const strange = (page, language) => page.evaluate((language) => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = new Set();
  while (walker.nextNode()) {
    const { textContent, parentElement } = walker.currentNode;
    const text = textContent.trim();
    if (!text || parentElement.closest('script, style, [data-own], [lang]:not(html)')) continue;
    const missing = /^[a-z][A-Za-z]+(\.[a-z_][A-Za-z_]+)+$/.test(text) && !/\.(read|write|[a-z_]+)$/.test(text);
    if (missing || (language === 'en' && /[\u4e00-\u9fff]/.test(text))) found.add(text);
  }
  return [...found];
}, language);

/** The pages behind the menu, its groups unfolded. */
async function pages(page) {
  const menu = page.getByRole('menu').first();
  await menu.waitFor();
  const folded = menu.locator('.ant-menu-submenu:not(.ant-menu-submenu-open) > .ant-menu-submenu-title');
  while (await folded.count()) await folded.first().click();
  await page.waitForFunction(() => !document.querySelector('.ant-motion-collapse-active'));
  return menu.locator('.ant-menu-item');
}

async function walk(language, theme) {
  const seen = await open(language, theme);
  await judge(seen);
  await signIn(seen.page, login, password);
  const entries = await pages(seen.page);
  const count = await entries.count();
  for (let at = 0; at < count; at += 1) {
    await entries.nth(at).click();
    await judge(seen);
    say({ ...seen.about(), walked: true });
  }
  await seen.page.context().close();
}

// Each language and each appearance once: what is wrong in one of a pair is seldom wrong in that pair alone.
for (const [language, theme] of [['zh-CN', 'light'], ['en', 'dark']]) await walk(language, theme);
await browser.close();

// Pictures of the console, in both languages and both appearances: `node console_shots.mjs ORIGIN PASSWORD FOLDER`. Two agents call each
// other through the queue first, so that there is something to see. The server is one that SWITCHBOARD_DEMO_PASSWORD has begun. It fails
// where a page is wider than the window, or complains.
import { mkdirSync, readFileSync } from 'node:fs';
import { openBrowser, signIn } from './console_browser.mjs';
import * as organisation from './console_shots_org.mjs';

const [origin, password, folder] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
const PATHS = [
  '/', '/call-records', '/missed-calls', '/lost-calls', '/lost-answered', '/voicemails', '/tasks', '/agent-states', '/logins', '/me',
  '/sms', '/sms-templates', '/sms-signatures', '/wallboard', '/agent-board', '/queue-board', ...organisation.PATHS,
];
const TELEPHONY = ['setup', 'extensions', 'agents', 'queues', 'trunks', 'routes', 'flows', 'hours', 'prompts', 'surveys', 'known-callers', 'rooms'].map(
  (page) => `/settings/${page}`,
);
const WORDS = {
  'zh-CN': { number: '显示框', answer: '接听', reject: '拒接', consult: '询问', hangUp: '挂断', ready: '电话在线', signIn: '签入电话', detail: '通话详情' },
  en: { number: 'Number', answer: 'Answer', reject: 'Reject', consult: 'Consult', hangUp: 'Hang up', ready: 'Online', signIn: 'Sign in phone', detail: 'Call details' },
};
// A missing session is looked for on purpose, and a phone that is refused is part of the scene.
const EXPECTED = /status of (401|403|404|409)|WebSocket is closed before/;
const faults = new Set();

async function shoot(page, name) {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
  if (wide) faults.add(`${name} is wider than the window`);
  await page.screenshot({ path: `${folder}/${name}.png`, animations: 'disabled' });
}

async function open(browser, { language, theme }, way) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 720 }, ignoreHTTPSErrors: true });
  await context.grantPermissions(['microphone'], { origin });
  await context.addInitScript(
    (kept) => localStorage.getItem('switchboard-console') ?? localStorage.setItem('switchboard-console', kept),
    JSON.stringify({ state: { language, theme, folded: false, way, extension: '' }, version: 0 }),
  );
  const page = await context.newPage();
  page.on('pageerror', (error) => faults.add(`${page.url()}: ${error}`));
  page.on('console', (line) => line.type() === 'error' && !EXPECTED.test(line.text()) && faults.add(line.text()));
  await page.goto(origin);
  await page.locator('form').waitFor();
  return page;
}

async function settled(page) {
  await page.waitForLoadState('networkidle', { timeout: 2_000 }).catch(() => undefined);
  for (const busy of await page.locator('.ant-skeleton, .ant-spin-spinning').all()) await busy.waitFor({ state: 'hidden' });
}

async function ready(page, words) {
  const online = page.getByTestId('state').filter({ hasText: words.ready });
  // A phone that has just been signed in gets there by itself.
  if (await online.waitFor({ timeout: 5_000 }).then(() => true, () => false)) return;
  await page.getByTestId('state-button').click();
  await page.getByRole('menuitem', { name: words.ready }).click();
  await online.waitFor();
}

async function calls(browser, look) {
  const [name, words] = [`${look.language}-${look.theme}`, WORDS[look.language]];
  const agent = await open(browser, look, 'web');
  await shoot(agent, `${name}-login`);
  await agent.locator('input[autocomplete=username]').fill('10001');
  await agent.locator('input[autocomplete=current-password]').fill('wrong');
  await agent.locator('button[type=submit]').click();
  await agent.getByRole('alert').waitFor();
  await shoot(agent, `${name}-login-wrong`);
  await signIn(agent, '10001', password);
  const other = await open(browser, look, 'web');
  await signIn(other, '10002', password);
  for (const page of [agent, other]) await ready(page, words);
  const dial = async () => {
    await other.getByLabel(words.number, { exact: true }).fill('7000');
    await other.keyboard.press('Enter');
    await agent.getByRole('alertdialog').waitFor();
  };
  await other.getByLabel(words.number, { exact: true }).click();
  await settled(other);
  await shoot(other, `${name}-bar-dial`);
  await dial();
  await shoot(agent, `${name}-bar-incoming`);
  await shoot(other, `${name}-bar-dialling`);
  await agent.getByRole('button', { name: words.answer, exact: true }).click();
  await agent.getByTestId('phase').waitFor();
  await settled(agent);
  await shoot(agent, `${name}-bar-talking`);
  await agent.getByRole('button', { name: words.consult, exact: true }).click();
  await agent.getByRole('dialog').waitFor();
  await settled(agent);
  await shoot(agent, `${name}-bar-consult`);
  await agent.keyboard.press('Escape');
  await agent.getByRole('dialog').waitFor({ state: 'hidden' });
  await agent.getByRole('button', { name: words.hangUp, exact: true }).click();
  await agent.getByTestId('phase').waitFor({ state: 'hidden' });
  await ready(agent, words);
  await dial();
  await agent.getByRole('button', { name: words.reject, exact: true }).click();
  await other.getByRole('button', { name: words.hangUp, exact: true }).click();
  await agent.getByRole('alertdialog').waitFor({ state: 'hidden' });
  await agent.getByRole('button', { name: words.signIn, exact: true }).click();
  await settled(agent);
  await shoot(agent, `${name}-bar-sign-in`);
  await agent.keyboard.press('Escape');
  for (const path of ['/', '/missed-calls', '/wallboard']) await visit(agent, look, 'agent', path);
  const admin = await signedIn(browser, look, 'admin');
  await organisation.prepare(admin, origin);
  await visit(admin, look, 'admin', ...PATHS, ...TELEPHONY);
  await organisation.visit(admin, origin, look.language, (shown) => settled(admin).then(() => shoot(admin, `${name}-admin-${shown}`)));
  await telephony(admin, look);
  await onTheWall(admin, look);
  for (const page of [agent, other, admin]) await page.context().close();
}

async function signedIn(browser, look, who) {
  const page = await open(browser, look, 'none');
  await signIn(page, who, password);
  return page;
}

async function visit(page, { language, theme }, who, ...paths) {
  for (const path of paths) {
    await page.goto(origin + path);
    await page.locator('.frame-content').waitFor();
    await settled(page);
    await shoot(page, `${language}-${theme}-${who}-${path.slice(1).replaceAll('/', '-') || 'home'}`);
    if (who !== 'admin' || path !== '/call-records') continue;
    await page.getByRole('button', { name: WORDS[language].detail }).last().click();
    await page.locator('.ladder-row').first().waitFor();
    await settled(page);
    await shoot(page, `${language}-${theme}-${who}-call-record`);
  }
}

/** As it hangs on a wall: the whole of it is seen at 1080p without scrolling. */
async function onTheWall(page, { language, theme }) {
  await page.setViewportSize({ width: 1920, height: 1080 });
  await page.goto(`${origin}/wallboard`);
  await page.getByRole('button', { name: { 'zh-CN': '全屏', en: 'Full screen' }[language] }).click();
  await settled(page);
  const hidden = await page.locator('.wallboard').evaluate((board) => board.scrollHeight - board.clientHeight);
  if (hidden > 0) faults.add(`the wallboard at 1080p hides ${hidden} px`);
  await shoot(page, `${language}-${theme}-admin-wallboard-1080p`);
}

/** Forms and the flow editor: the first row of a list, opened. */
async function telephony(page, { language, theme }) {
  const edit = { 'zh-CN': '编辑', en: 'Edit' }[language];
  for (const name of ['extensions', 'agents', 'queues', 'routes']) {
    await page.goto(`${origin}/settings/${name}`);
    await page.getByRole('button', { name: edit, exact: true }).first().click();
    await page.getByRole('dialog').waitFor();
    await settled(page);
    await shoot(page, `${language}-${theme}-admin-settings-${name}-form`);
  }
  const flow = JSON.parse(readFileSync(new URL('flow.json', import.meta.url)));
  const saved = await page.request.put(`${origin}/api/v1/flows/${flow.name}`, { data: flow });
  if (!saved.ok()) faults.add(`the flow is not saved: ${await saved.text()}`);
  await page.goto(`${origin}/settings/flows`);
  await page.getByRole('row').filter({ hasText: flow.title }).getByRole('button').first().click();
  await page.locator('[data-node=menu]').click();
  await settled(page);
  await shoot(page, `${language}-${theme}-admin-flow`);
  await page.locator('.flow-head').getByRole('button').filter({ hasText: { 'zh-CN': '模拟', en: 'Simulate' }[language] }).click();
  await page.locator('aside input').first().fill('1');
  await page.locator('aside button[type=submit]').click();
  await page.getByTestId('simulated').first().waitFor();
  await shoot(page, `${language}-${theme}-admin-flow-simulated`);
}

const browser = await openBrowser();
for (const language of ['zh-CN', 'en']) {
  for (const theme of ['light', 'dark']) await calls(browser, { language, theme });
}
await browser.close();
for (const fault of faults) process.stderr.write(`${fault}\n`);
process.exit(faults.size ? 1 : 0);

// What the boards of 500 agents cost a browser: `node board_load.mjs FOLDER`, where the folder holds the console as it is built. No server: the
// page is given its files, its session and a wallboard that changes four times a second, as often as the server would push it. Prints the main
// thread's share of a core for each board over 30 s, and fails above the limit.
import { readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { openBrowser } from './console_browser.mjs';

const [folder] = process.argv.slice(2);
const ORIGIN = 'http://boards.example';
const [AGENTS, QUEUES, WAITING] = [500, 20, 60];
const [PUSH_MS, MEASURE_MS, SETTLE_MS] = [250, 30_000, 5_000];
const LIMIT_PERCENT = 20;
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.json': 'application/json' };

// The same run has the same changes.
let seed = 1;
const random = (below) => {
  seed = (seed * 48_271) % 2_147_483_647;
  return seed % below;
};
const at = (ms) => new Date(ms).toISOString();
const WORDS = ['idle', 'ringing', 'connected', 'connected', 'connected', 'wrap_up', 'not_ready', 'on_break', 'offline'];
const began = Date.now();

function agent(n) {
  const word = WORDS[random(WORDS.length)];
  const inCall = word === 'connected' || word === 'ringing';
  const now = Date.now() - random(900_000);
  return {
    agent: String(10_001 + n), name: `Agent ${n}`, department: `Department ${n % 12}`, groups: [`queue${n % QUEUES}`, `queue${(n + 7) % QUEUES}`],
    state: 'ready', word, since: at(now), call_status: inCall ? { connected: 'talking' } : 'none', extension: String(2_001 + n), mobile: null,
    supervises: false, call: inCall ? `call${n}` : null, call_since: inCall ? at(now) : null, other_side: inCall ? `138${10_000_000 + n}` : null,
  };
}
const agents = Array.from({ length: AGENTS }, (_, n) => agent(n));
const why = { rule: 'longest_idle', level: 9, waited_ms: 5_000, idle: 2, candidates: [{ agent: '10001', level: 1, idle_ms: 9_000, answered_today: 3, rejected: false }] };
const callers = Array.from({ length: WAITING }, (_, n) => ({
  queue: `queue${n % QUEUES}`, place: 1 + Math.floor(n / QUEUES), call: `waiting${n}`, number: `139${10_000_000 + n}`, since: at(began - n * 1_000),
  offers: n < QUEUES ? [{ agent: '10001', since: at(began), why }] : [],
}));

/** Something happens to a few agents, as in a centre with five calls a second. */
function board() {
  for (let changed = 0; changed < 3; changed += 1) {
    const n = random(AGENTS);
    agents[n] = agent(n);
  }
  const states = {};
  for (const { word } of agents) states[word] = (states[word] ?? 0) + 1;
  const trend = Array.from({ length: 12 }, (_, n) => ({ hour: 8 + n, inbound: 100 + n, connected: 90 + n, outbound: 40 + n }));
  const queues = Array.from({ length: QUEUES }, (_, n) => ({
    queue: `queue${n}`, waiting: 3, longest_waiting_since: at(began), signed_in: 25, idle: 2, entered: 100 + n, answered: 90, within_target: 70 + random(9), abandoned: 4,
  }));
  return JSON.stringify({
    at: at(Date.now()), waiting: WAITING, states, agents, queues, callers, emergencies: [],
    today: {
      began_at: at(began - 3_600_000), inbound: 1_000 + random(1_000), inbound_connected: 900, abandoned_or_timed_out: 40, outbound: 400,
      outbound_connected: 300, outbound_not_connected: 100, average_response_ms: 9_000, abnormal_calls: 1, queued: 900, trend,
    },
    limits: { waiting: { warn: 1, alarm: 5 }, longest_wait_s: { warn: 20, alarm: 60 }, abandoned_percent: { warn: 5, alarm: 10 }, service_level_percent: { warn: 90, alarm: 80 } },
  });
}

const SESSION = {
  data: 'all', employee: '10000', fields: {}, login: 'admin', name: 'Administrator', password_change_required: false,
  permissions: ['wallboard.read', 'calls.monitor', 'calls.whisper', 'calls.barge', 'calls.takeover', 'calls.force_hangup', 'agents.supervise'],
  tenant: 'default', time_zone: 'Asia/Shanghai',
};

async function answer(route) {
  const { pathname } = new URL(route.request().url());
  if (pathname === '/api/v1/session') return route.fulfill({ json: SESSION });
  if (pathname.startsWith('/api/')) return route.fulfill({ status: 404, json: {} });
  const file = extname(pathname) ? pathname : '/index.html';
  return route.fulfill({ body: readFileSync(join(folder, file)), contentType: TYPES[extname(file)] ?? 'application/octet-stream' });
}

const browser = await openBrowser();
let isOver = false;
for (const path of ['/wallboard', '/agent-board', '/queue-board']) {
  const page = await browser.newPage({ viewport: { width: 1920, height: 1080 } });
  page.on('pageerror', (error) => { throw error; });
  await page.route('**/*', answer);
  let pushes;
  await page.routeWebSocket(/wallboard\/stream$/, (socket) => {
    socket.send(board());
    pushes = setInterval(() => socket.send(board()), PUSH_MS);
    socket.onClose(() => clearInterval(pushes));
  });
  await page.goto(ORIGIN + path);
  await page.locator('.page .ant-card, .page .ant-table-row').first().waitFor();
  if (path === '/queue-board') {
    const rows = page.locator('.ant-table-row-expand-icon');
    for (let n = 0; n < 3; n += 1) await rows.nth(n).click();
  }
  const metrics = await page.context().newCDPSession(page);
  await metrics.send('Performance.enable', { timeDomain: 'threadTicks' });
  const busy = async () => (await metrics.send('Performance.getMetrics')).metrics.find(({ name }) => name === 'TaskDuration').value;
  await page.waitForTimeout(SETTLE_MS);
  const [before, from] = [await busy(), performance.now()];
  await page.waitForTimeout(MEASURE_MS);
  const percent = ((await busy()) - before) / ((performance.now() - from) / 100_000);
  console.log(`${path}: ${percent.toFixed(1)} % of a core, ${AGENTS} agents, a push each ${PUSH_MS} ms`);
  isOver ||= percent > LIMIT_PERCENT;
  clearInterval(pushes);
  await page.close();
}
await browser.close();
if (isOver) throw new Error(`more than ${LIMIT_PERCENT} % of a core`);

// What is wrong with what is seen: by axe-core (WCAG 2.2 A and AA), by the words of the other language, and by whether the page scrolls to the side.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
const GRAVE = ['serious', 'critical'];

// What antd draws and pages cannot change: the list of open tabs holds the buttons that close them, and a wide table without rows has nothing that
// takes the focus; the row that a table measures its columns by holds copies of its head.
const KNOWN = {
  'aria-required-children': 'ant-tabs-nav',
  'scrollable-region-focusable': 'ant-table-content',
  'aria-hidden-focus': 'ant-table-measure-row',
};

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

/**
 * Words of another language, and names of words that are missing. In Chinese, Latin
 * letters are names and units as long as no sentence is made of them.
 */
const strange = (page, language) => page.evaluate((language) => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = new Set();
  while (walker.nextNode()) {
    const { textContent, parentElement } = walker.currentNode;
    const text = textContent.trim();
    if (!text || parentElement.closest('script, style, code, pre, [lang]:not(html)')) continue;
    const missing = /^[a-z][A-Za-z]+(\.[a-z_][A-Za-z_]+)+$/.test(text) && !/\.(read|write|[a-z_]+)$/.test(text);
    const foreign = language === 'en' ? /[\u4e00-\u9fff]/.test(text) : /(?:\b[a-z]{2,} ){2,}[a-z]{2,}\b/.test(text);
    if (missing || foreign) found.add(text);
  }
  return [...found];
}, language);

/** Each fault of what the page shows now. */
export async function faultsOf(page, language) {
  await settled(page);
  // Not as a script of the page, which its policy does not let in.
  await page.evaluate(axe);
  let found = await violations(page);
  if (found.length) {
    // A list that is just read again is faint: what stays is a fault.
    await settled(page);
    found = await violations(page);
  }
  if (await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth)) found.push({ fault: 'scrolls to the side' });
  for (const text of await strange(page, language)) found.push({ fault: `says ${text}` });
  return found;
}

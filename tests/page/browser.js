// What the tests beside this file share: a real Chromium, pages that are watched for
// what must never happen, and measures of what people see.
'use strict';

const path = require('path');
const { chromium } = require(path.join(process.env.EWSD_CLIENTS, 'node_modules/playwright-core'));
const { expect } = require('../clients/javascript/suite.js');

const PATIENCE = 1000 * Number(process.env.EWSD_PATIENCE ?? 60);
let browser;
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

async function start() {
  browser ??= await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--headless=new'], timeout: PATIENCE });
  return browser;
}

// A page that takes down what went wrong in it, and every request that left it. allow: what
// the console may say. forget(): its context ends.
async function open(url, { scheme = 'light', width = 1280, height = 800, allow = /^$/ } = {}) {
  const context = await (await start()).newContext({ viewport: { width, height }, colorScheme: scheme, acceptDownloads: true, reducedMotion: 'reduce' });
  const page = await context.newPage();
  const seen = { problems: [], foreign: [], requests: [] };
  const { origin } = new URL(url);
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type()) && !allow.test(message.text())) seen.problems.push(message.text());
  });
  page.on('pageerror', (error) => seen.problems.push(String(error.stack)));
  context.on('request', (request) => seen.requests.push(request.url()));
  // What the browser lets out is caught here; what a policy refuses doesn't get this far.
  await context.route((wanted) => wanted.origin !== origin && !['data:', 'blob:'].includes(wanted.protocol), (route) => {
    seen.foreign.push(route.request().url());
    return route.abort();
  });
  page.setDefaultTimeout(PATIENCE);
  await page.goto(url);
  return { page, context, seen };
}

function clean({ seen }) {
  expect(seen.problems, [], 'what the console said');
  expect(seen.foreign, [], 'requests to another origin');
}

// Every text that is seen with less contrast than WCAG AA wants: [] is good.
function faint(page) {
  return page.evaluate(() => {
    const colour = (text) => {
      const [r, g, b, a = 1] = text.match(/[\d.]+/g).map(Number);
      return { r, g, b, a };
    };
    const over = (top, below) => ({ r: top.r * top.a + below.r * (1 - top.a), g: top.g * top.a + below.g * (1 - top.a), b: top.b * top.a + below.b * (1 - top.a), a: 1 });
    const ground = (element) => {
      const layers = [];
      for (let e = element; e; e = e.parentElement) layers.push(colour(getComputedStyle(e).backgroundColor));
      return layers.reduceRight((below, top) => over(top, below), { r: 255, g: 255, b: 255, a: 1 });
    };
    const light = ({ r, g, b }) => [r, g, b].map((v) => v / 255).map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
      .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const bad = [];
    let looked = 0;
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const element = walker.currentNode.parentElement;
      if (!walker.currentNode.textContent.trim() || !element.checkVisibility({ checkVisibilityCSS: true, checkOpacity: true })) continue;
      if (parseFloat(getComputedStyle(element).fontSize) === 0) continue; // named by title alone there
      const below = ground(element);
      const [a, b] = [light(over(colour(getComputedStyle(element).color), below)), light(below)].sort((x, y) => y - x);
      const ratio = (a + 0.05) / (b + 0.05);
      looked++;
      if (ratio < 4.5) bad.push(`${walker.currentNode.textContent.trim().slice(0, 40)}: ${ratio.toFixed(2)}`);
    }
    return { bad, looked };
  });
}

async function expectContrast(page, what) {
  const { bad, looked } = await faint(page);
  expect(bad, [], `faint texts in ${what}`);
  if (looked < 8) throw new Error(`only ${looked} texts were looked at in ${what}`);
}

// Nothing is wider than the screen.
async function expectFits(page, what) {
  const wide = await page.evaluate(() => {
    const wide = [document.documentElement, document.body, document.querySelector('main')].filter((e) => e.scrollWidth > document.documentElement.clientWidth);
    const panes = [...document.querySelectorAll('.pane')].filter((e) => e.checkVisibility() && e.scrollWidth > e.clientWidth);
    return [...wide, ...panes].map((e) => `${e.tagName}.${e.className} ${e.scrollWidth}`);
  });
  expect(wide, [], `what scrolls sideways in ${what}`);
}

async function stop() {
  await browser?.close();
}

module.exports = { clean, expectContrast, expectFits, open, stop };

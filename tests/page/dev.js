// The page of `ewsd dev`, by mouse, by keys, on a phone, in light and dark, and with mail
// that means harm.
'use strict';

const http = require('http');
const fs = require('fs');
const { expect, run, step, url: ews } = require('../clients/javascript/suite.js');
const { clean, expectContrast, expectFits, open, stop } = require('./browser.js');
const { DAY, ENVELOPE, WRONG, send, soap } = require('./world.js');

const root = new URL('/', ews).href;
const rows = (page, label = 'Captured messages') => page.getByRole('listbox', { name: label }).getByRole('option');
const focused = (page) => page.evaluate(() => document.activeElement.textContent);

step('an empty server says how to reach it', async (world) => {
  Object.assign(world, await open(root));
  const { page } = world;
  await page.getByText('Nothing captured yet').waitFor();
  expect(await page.locator('.connect code').allTextContents(), [ews, 'alice@example.test', 'secret'], 'URL, user, password');
  await world.context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.getByRole('button', { name: 'Copy the url' }).click();
  await page.locator('.copy.done').waitFor();
  expect(await page.evaluate(() => navigator.clipboard.readText()), ews, 'the clipboard');
  await page.locator('.live.on').waitFor();
});

step('its files are the program\'s, checked by their ETag, and under a strict policy', async () => {
  const first = await fetch(root);
  const policy = first.headers.get('content-security-policy');
  for (const part of ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"]) {
    expect(policy.includes(part), true, part);
  }
  expect([first.headers.get('x-content-type-options'), /no-cache/.test(first.headers.get('cache-control'))], ['nosniff', true], 'headers');
  const again = await fetch(root, { headers: { 'If-None-Match': first.headers.get('etag') } });
  expect([again.status, await again.text()], [304, ''], 'asked again');
  const folder = `${__dirname}/../../page`;
  for (const name of fs.readdirSync(folder).filter((one) => one !== 'index.html')) {
    const file = await fetch(new URL(`/page/${name}`, root));
    expect([file.status, await file.text()], [200, fs.readFileSync(`${folder}/${name}`, 'utf8')], name);
  }
  expect((await fetch(new URL('/page/../index.html', root))).status, 404, 'beside the folder');
});

step('a message that is sent appears without a reload', async ({ page }) => {
  for (const mail of DAY) await send(ews, mail, mail.user);
  await rows(page).nth(3).waitFor();
  expect(await rows(page).locator('.second').allTextContents(),
    ['Your order has shipped', 'Grüße aus Zürich', 'Nightly report: 3 of 412 jobs failed', 'Password reset'], 'subjects, newest first');
});

step('search looks into what was captured', async ({ page }) => {
  await page.getByRole('searchbox').fill('zürich');
  await page.getByText('1 message', { exact: true }).waitFor();
  expect(await rows(page).locator('.second').allTextContents(), ['Grüße aus Zürich'], 'found');
  await page.getByRole('searchbox').fill('nowhere to be found');
  await page.getByText('No message has that').waitFor();
  await page.getByRole('searchbox').fill('');
  await rows(page).nth(3).waitFor();
});

step('a message is shown with its people, HTML, text, source and headers', async ({ page }) => {
  await rows(page).filter({ hasText: 'Your order' }).click();
  await page.getByRole('heading', { name: 'Your order has shipped', level: 2 }).waitFor();
  expect(await page.locator('.facts dd').first().textContent(), 'Shop <alice@example.test>', 'From');
  expect(await page.locator('.facts').textContent().then((text) => text.includes('Bccaudit@elsewhere.example')), true, 'Bcc of the envelope');
  await page.frameLocator('iframe.mail').getByRole('heading', { name: 'Your order has shipped' }).waitFor();
  await page.getByRole('tab', { name: 'Text' }).click();
  await page.locator('pre.text').filter({ hasText: 'left our warehouse in Freiburg this morning' }).waitFor();
  await page.getByRole('tab', { name: 'Source' }).click();
  await page.locator('pre.source').filter({ hasText: 'Content-Type: multipart/' }).waitFor();
  await page.getByRole('tab', { name: 'Headers' }).click();
  const header = page.locator('.headers tr').filter({ hasText: /^Subject/ });
  expect(await header.locator('td').textContent(), 'Your order has shipped', 'Subject, decoded');
});

step('an attachment and the source are saved as they were sent', async ({ page }) => {
  await page.getByRole('tab', { name: 'Attachments (1)' }).click();
  const [saved] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: /invoice/ }).click()]);
  expect(saved.suggestedFilename(), 'invoice-10442.pdf', 'its name');
  expect(fs.readFileSync(await saved.path(), 'utf8'), '%PDF-1.4 '.repeat(9000), 'its bytes');
  await page.getByRole('tab', { name: 'Source' }).click();
  const [source] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Download .eml' }).click()]);
  expect(/^Subject: =\?utf-8\?/mi.test(fs.readFileSync(await source.path(), 'utf8')), true, 'the source');
});

// ---- mail that means harm ----

// The browser says what it refused; that is no fault of the page.
const REFUSED = /Content Security Policy|sandbox|Blocked|nothing:|ERR_UNKNOWN_URL_SCHEME/i;

// Everything that mail does to get out; each way goes to another path of the canary.
function hostile(canary) {
  const at = (name) => `${canary}/${name}`;
  return `<html><head><meta http-equiv="refresh" content="0;url=${at('refresh')}"><base href="${canary}/">
<link rel="stylesheet" href="${at('sheet')}"><link rel="prefetch" href="${at('prefetch')}"><link rel="preconnect" href="${canary}">
<style>@import url(${at('import')}); body { background: url(${at('background')}) } @font-face { font-family: x; src: url(${at('font')}) } p { font-family: x }</style>
<script>fetch('${at('script')}'); top.document.title = 'owned'; top.location = '${at('top')}'; parent.postMessage('owned', '*')</script></head>
<body onload="fetch('${at('onload')}')"><h1>Hostile</h1><p>text</p>
<img src="${at('pixel')}"><img src="nothing:" onerror="new Image().src='${at('onerror')}'"><svg onload="fetch('${at('svg')}')"></svg>
<iframe src="${at('frame')}"></iframe><iframe srcdoc="<script>fetch('${at('srcdoc')}')</script>"></iframe><object data="${at('object')}"></object><embed src="${at('embed')}">
<video src="${at('video')}" poster="${at('poster')}" autoplay></video><audio src="${at('audio')}" autoplay></audio>
<form id="f" action="${at('form')}" target="_top"><input name="password" autofocus onfocus="document.forms[0].submit()"><button>Send</button></form>
<script>document.forms[0].submit()</script><a href="javascript:fetch('${at('link')}')">script</a> <a href="${at('click')}" target="_top">away</a></body></html>`;
}

step('hostile mail is hostile where nothing holds it', async (world) => {
  world.hits = [];
  world.canary = http.createServer((request, response) => { world.hits.push(request.url); response.end(); });
  await new Promise((done) => { world.canary.listen(0, '127.0.0.1', done); });
  world.harm = hostile(`http://127.0.0.1:${world.canary.address().port}`);
  const other = await world.context.browser().newPage();
  const out = other.waitForEvent('request', (request) => /\/(script|pixel|onerror)$/.test(request.url()));
  other.setContent(world.harm).catch(() => {}); // it never comes to rest
  await out;
  await other.close();
  expect(world.hits.length > 0, true, 'the canary was reached');
});

step('in the page it runs nothing, sends nothing, goes nowhere', async (world) => {
  const { page, seen } = world;
  world.hits.length = seen.requests.length = seen.foreign.length = 0;
  await page.evaluate(() => addEventListener('message', (event) => { document.title = `told: ${event.data}`; }));
  await send(ews, { from: 'alice@example.test', to: 'victim@elsewhere.example', subject: '<img src=x onerror=alert(1)>', text: '<b>text</b>', html: world.harm });
  const row = rows(page).filter({ hasText: 'victim@elsewhere.example' });
  await row.waitFor();
  expect(await row.locator('.second').textContent(), '<img src=x onerror=alert(1)>', 'the subject is text');
  await row.click();
  await page.getByRole('tab', { name: 'HTML' }).click();
  const frame = page.frameLocator('iframe.mail');
  await frame.getByRole('heading', { name: 'Hostile' }).waitFor();
  expect(await page.locator('iframe.mail').getAttribute('sandbox'), '', 'the sandbox allows nothing');
  await frame.getByRole('link', { name: 'away' }).click();
  await frame.getByRole('link', { name: 'script' }).click();
  await frame.getByRole('button', { name: 'Send' }).click();
  // What was said before is answered before: two frames, and a request of our own.
  await page.evaluate(() => new Promise((done) => { requestAnimationFrame(() => requestAnimationFrame(done)); }));
  await page.evaluate(() => fetch('/api/events').then((answer) => answer.text()));
  expect(world.hits, [], 'what reached the canary');
  expect(seen.foreign, [], 'what left for elsewhere');
  expect(await page.title(), 'Messages · ewsd', 'the title');
  expect(page.url().startsWith(root), true, 'where the page is');
  expect(await page.locator('img[src=x]').count(), 0, 'elements made of data');
  // Alone in a tab it can't do anything either.
  const alone = await world.context.newPage();
  await alone.goto(new URL(await page.locator('iframe.mail').getAttribute('src'), root).href);
  await alone.getByRole('heading', { name: 'Hostile' }).waitFor();
  await alone.waitForLoadState('load'); // no more can be asked of it: no callback runs there
  await alone.close();
  expect([world.hits, seen.foreign], [[], []], 'alone in a tab');
  world.canary.close();
  seen.problems = seen.problems.filter((text) => !REFUSED.test(text));
});

// ---- mailboxes and the log ----

step('mailboxes, folders and items are there to be read', async ({ page }) => {
  await page.getByRole('link', { name: 'Mailboxes' }).click();
  await rows(page, 'Mailboxes and folders').filter({ hasText: 'bob@example.test' }).click();
  await rows(page, 'Items').filter({ hasText: 'Minutes of Monday' }).click(); // the inbox opens by itself
  await page.getByRole('heading', { name: 'Minutes of Monday', level: 2 }).waitFor();
  await page.getByRole('tab', { name: 'Text' }).click();
  await page.locator('pre.text').filter({ hasText: 'the minutes are attached' }).waitFor();
  await rows(page, 'Mailboxes and folders').filter({ hasText: 'Sent Items' }).click();
  await rows(page, 'Items').filter({ hasText: 'Grüße' }).waitFor();
  await page.getByRole('searchbox').fill('subject:minutes');
  await rows(page, 'Items').filter({ hasText: 'Grüße' }).waitFor({ state: 'detached' });
  expect(await rows(page, 'Items').locator('.second').allTextContents(), ['Re: Minutes of Monday'], 'found');
});

step('mail that is delivered shows up in the open folder', async ({ page }) => {
  await rows(page, 'Mailboxes and folders').filter({ hasText: 'Inbox' }).click();
  await rows(page, 'Items').first().waitFor();
  await send(ews, { from: 'alice@example.test', to: 'bob@example.test', subject: 'Just now', text: 'x' });
  await rows(page, 'Items').filter({ hasText: 'Just now' }).waitFor();
});

step('the request log marks what is wrong at its line and column', async ({ page }) => {
  await page.getByRole('link', { name: 'Requests' }).click();
  const refused = await soap(ews, WRONG);
  const line = Number(/LineNumber>(\d+)</.exec(refused.text)[1]);
  const row = rows(page, 'Requests').filter({ hasText: 'ErrorSchemaValidation' });
  await row.click();
  await page.getByRole('tab', { name: 'Request' }).click();
  const finding = page.locator('.xml .finding.error');
  await finding.waitFor();
  expect(await finding.getAttribute('data-line'), String(line), 'the line that EWS names, too');
  const column = Number(await finding.getAttribute('data-column'));
  expect(WRONG.split('\n')[line - 1].slice(column - 1).startsWith('<t:Recipients>'), true, `what is at column ${column}`);
  expect((await finding.textContent()).includes("invalid child element 'Recipients'"), true, 'the explanation');
  const marked = () => page.locator('.xml mark').textContent();
  const above = () => finding.evaluate((element) => element.previousElementSibling.textContent.trim());
  expect([await marked(), await above()], ['<t:Recipients>', '<t:Recipients>'], 'formatted');
  await page.getByRole('button', { name: 'Formatted' }).click();
  expect([await marked(), await above()], ['<t:Recipients>', '<t:Recipients>'], 'as sent');
  expect(await finding.evaluate((element) => element.previousElementSibling.dataset.n), String(line), 'the number beside it');
  expect((await page.locator('.xml .line').allTextContents()).join('\n'), WRONG, 'the source is shown as it came');
  await page.getByRole('button', { name: 'Formatted' }).click();
  await page.getByRole('tab', { name: 'Answer' }).click();
  await page.locator('.xml').filter({ hasText: 'faultstring' }).waitFor();
  await page.getByRole('tab', { name: 'Headers' }).click();
  await page.locator('.headers').filter({ hasText: 'text/xml; charset=utf-8' }).first().waitFor();
  expect((await page.locator('.headers').allTextContents()).join().includes('Basic '), false, 'credentials are shown');
});

step('the log can be narrowed', async ({ page }) => {
  await page.getByRole('button', { name: 'Only problems' }).click();
  await page.getByText('1 request', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Only problems' }).click();
  await page.getByRole('searchbox').fill('GetItem');
  await page.getByText('No request is like that').waitFor();
  await page.getByRole('searchbox').fill('');
  await rows(page, 'Requests').nth(5).waitFor();
});

step('faults come, strike and go', async ({ page }) => {
  const ask = async (method, body) => (await (await fetch(new URL('/dev/faults', root), { method, body, headers: { 'Content-Type': 'application/json' } })).json()).faults;
  await page.getByRole('link', { name: 'Faults' }).click();
  await page.getByText('No faults', { exact: true }).waitFor();
  await ask('POST', JSON.stringify([{ op: 'GetItem', first: 1, do: 'busy', text: '<b>Later' }, { user: 'bob@example.test', do: 'http:456' }]));
  await rows(page, 'Faults').nth(1).waitFor();
  expect(await rows(page, 'Faults').locator('strong').allTextContents(), ['busy', 'http:456'], 'faults');
  await rows(page, 'Faults').first().click();
  await page.locator('.struck').filter({ hasText: '0 of 0 requests' }).waitFor();
  await page.getByText('<b>Later').waitFor();
  const asked = ENVELOPE('<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:ItemIds><t:ItemId Id="AAAA"/></m:ItemIds></m:GetItem>');
  expect((await soap(ews, asked)).status, 500, 'the first');
  expect((await soap(ews, asked)).status, 200, 'the second');
  await page.locator('.struck').filter({ hasText: '1 of 2 requests' }).waitFor();
  await page.getByRole('button', { name: 'Delete', exact: true }).click();
  await page.getByText('The fault is deleted.').waitFor();
  expect((await ask('GET')).map((rule) => rule.do), ['http:456'], 'what is left');
  await page.getByRole('button', { name: 'Delete all' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete all' }).click();
  await page.getByText('No faults', { exact: true }).waitFor();
  expect(await ask('GET'), [], 'all of them');
});

step('nothing went wrong, nothing went elsewhere', async (world) => {
  clean(world);
  await world.context.close();
});

// ---- keys ----

step('all of it goes by keys', async (world) => {
  Object.assign(world, await open(root, { allow: REFUSED })); // it comes by the hostile mail
  const { page } = world;
  const press = async (...keys) => { for (const key of keys) await page.keyboard.press(key); };
  await rows(page).nth(4).waitFor();
  await press('Tab');
  expect(await focused(page), 'Skip to the content', 'the first stop');
  await press('Enter', 'j');
  await page.getByRole('heading', { name: '<img src=x onerror=alert(1)>', level: 2 }).waitFor();
  await press('ArrowDown');
  await page.getByRole('heading', { name: 'Your order has shipped', level: 2 }).waitFor();
  expect((await focused(page)).includes('Your order has shipped'), true, 'the row has the focus');
  expect(await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle), 'solid', 'and it is seen');
  expect(await rows(page).evaluateAll((all) => all.filter((row) => row.tabIndex === 0).length), 1, 'stops in the list');
  await page.getByRole('tab', { name: 'HTML' }).focus();
  await press('ArrowRight');
  await page.locator('pre.text').waitFor();
  expect(await focused(page), 'Text', 'the tab has the focus');
  await press('/');
  await page.keyboard.type('password');
  await page.getByText('1 message', { exact: true }).waitFor();
  await press('ArrowDown', 'Enter');
  await page.getByRole('heading', { name: 'Password reset', level: 2 }).waitFor();
  await press('d');
  await page.getByRole('dialog').getByText('Delete this message?').waitFor();
  await press('Tab', 'Enter');
  await page.getByText('The message is deleted.').waitFor();
  expect((await (await fetch(new URL('/dev/messages', root))).json()).some(({ subject }) => subject === 'Password reset'), false, 'it is still there');
  await press('?');
  const help = page.getByRole('dialog', { name: 'Keys' });
  await help.waitFor();
  await press('Escape');
  await help.waitFor({ state: 'detached' });
  await press('g', 'q');
  await page.getByText('The queue is empty').waitFor();
  await press('g', 'b');
  await rows(page, 'Mailboxes and folders').first().waitFor();
  await press('g', 'm', '/', 'Control+a', 'Delete'); // what was searched for is still there
  await rows(page).nth(2).waitFor();
});

// ---- what is seen ----

step('a phone shows one thing at a time, and nothing sideways', async () => {
  const phone = await open(root, { width: 360, height: 740 });
  const { page } = phone;
  await rows(page).first().waitFor();
  await expectFits(page, 'the messages');
  await rows(page).filter({ hasText: 'Your order' }).click();
  await page.getByRole('heading', { name: 'Your order has shipped', level: 2 }).waitFor();
  expect(await rows(page).first().isVisible(), false, 'the list beside the message');
  for (const tab of ['HTML', 'Text', 'Source', 'Headers', 'Attachments (1)']) {
    await page.getByRole('tab', { name: tab }).click();
    await page.locator('iframe.mail, pre.text, pre.source, .headers, .attachments').first().waitFor();
    await expectFits(page, `the message, ${tab}`);
  }
  await page.getByRole('button', { name: 'Messages' }).click();
  await rows(page).first().waitFor();
  await page.getByRole('link', { name: 'Requests' }).click();
  await rows(page, 'Requests').filter({ hasText: 'ErrorSchemaValidation' }).click();
  await page.getByRole('tab', { name: 'Request' }).click();
  await page.locator('.xml .finding').waitFor();
  await expectFits(page, 'a request');
  await page.getByRole('link', { name: 'Mailboxes' }).click();
  await rows(page, 'Mailboxes and folders').filter({ hasText: 'bob@example.test' }).click();
  await rows(page, 'Mailboxes and folders').filter({ hasText: 'Inbox' }).click();
  await rows(page, 'Items').first().waitFor();
  await expectFits(page, 'a folder');
  await rows(page, 'Items').first().click();
  await page.locator('.message').waitFor();
  await expectFits(page, 'an item');
  await page.getByRole('link', { name: 'Queue' }).click();
  await page.getByText('The queue is empty').waitFor();
  await expectFits(page, 'the queue');
  clean(phone);
  await phone.context.close();
});

step('light and dark differ, and every text can be read', async () => {
  const grounds = [];
  for (const scheme of ['light', 'dark']) {
    const one = await open(root, { scheme, width: 1360 });
    const { page } = one;
    await rows(page).filter({ hasText: 'Your order' }).click();
    await page.getByRole('tab', { name: 'Headers' }).click();
    await page.locator('.headers').waitFor();
    await expectContrast(page, `a message, ${scheme}`);
    await page.keyboard.press('?');
    await page.getByRole('dialog').waitFor();
    await expectContrast(page, `the keys, ${scheme}`);
    await page.keyboard.press('Escape');
    await page.getByRole('link', { name: 'Requests' }).click();
    await rows(page, 'Requests').filter({ hasText: 'ErrorSchemaValidation' }).click();
    await page.getByRole('tab', { name: 'Request' }).click();
    await page.locator('.xml .finding').waitFor();
    await expectContrast(page, `a request, ${scheme}`);
    await page.goto(`${root}#/mailboxes/bob@example.test`);
    await rows(page, 'Items').first().click();
    await page.locator('.message').waitFor();
    await expectContrast(page, `an item, ${scheme}`);
    grounds.push(await page.evaluate(() => getComputedStyle(document.body).backgroundColor));
    clean(one);
    await one.context.close();
  }
  expect(grounds[0] !== grounds[1], true, `the grounds: ${grounds}`);
});

step('deleting all asks first, and the page is empty again', async (world) => {
  const { page } = world;
  await page.getByRole('button', { name: 'Delete all' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
  await rows(page).first().waitFor();
  await page.getByRole('button', { name: 'Delete all' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete all' }).click();
  await page.getByText('Nothing captured yet').waitFor();
  clean(world);
});

run().finally(stop);

// Log-in on the admin listener of `ewsd serve`. EWSD_ADMIN is its URL; sessions end when
// idle for fifteen seconds.
'use strict';

const { expect, run, step, until } = require('../clients/javascript/suite.js');
const { clean, expectContrast, open, stop } = require('./browser.js');

const root = process.env.EWSD_ADMIN;
const [user, password, other] = ['admin@example.test', 'secret', 'bob@example.test'];
const call = (method, path, headers = {}, body = undefined) => fetch(new URL(path, root), { method, headers, body });
const basic = (name, word) => `Basic ${Buffer.from(`${name}:${word}`).toString('base64')}`;
const json = { 'Content-Type': 'application/json' };

async function logIn(page, name, word) {
  await page.getByLabel('Address').fill(name);
  await page.getByLabel('Password').fill(word);
  await page.getByRole('button', { name: 'Log in' }).click();
}

step('without a log-in there is the form and nothing else', async (world) => {
  Object.assign(world, await open(root, { allow: /status of 40[13]/ }));
  await world.page.getByLabel('Address').waitFor();
  for (const path of ['/api/mailboxes', '/api/queue', '/api/events', '/api/mailboxes/bob@example.test/folders']) {
    const answer = await call('GET', path);
    expect([answer.status, (await answer.json()).error.code], [401, 'NotLoggedIn'], path);
    expect(answer.headers.get('www-authenticate').startsWith('Basic'), false, 'browsers are asked for Basic');
  }
  expect((await call('GET', '/dev/messages')).status, 404, '/dev');
  await world.page.getByLabel('Address').fill('x');
});

step('a wrong password is refused, late', async ({ page }) => {
  const start = Date.now();
  await logIn(page, user, 'wrong');
  await page.getByRole('alert').filter({ hasText: 'is wrong' }).waitFor();
  expect(Date.now() - start >= 1000, true, 'auth.failure_delay passed');
});

step('a right password of somebody else is refused, too', async ({ page }) => {
  await logIn(page, other, password);
  await page.getByRole('alert').filter({ hasText: 'admin.users' }).waitFor();
});

step('the right one opens the page, without what is dev\'s', async (world) => {
  const { page, context } = world;
  await logIn(page, user, password);
  await page.getByRole('listbox', { name: 'Mailboxes and folders' }).getByRole('option').filter({ hasText: other }).waitFor();
  expect(await page.locator('nav a').allTextContents(), ['Mailboxes', 'Queue'], 'views');
  const [cookie] = await context.cookies();
  expect([cookie.name, cookie.httpOnly, cookie.sameSite, cookie.secure, cookie.value.length], ['ewsd_session', true, 'Strict', false, 48], 'the cookie');
  world.cookie = `ewsd_session=${cookie.value}`;
  world.token = await page.evaluate(() => localStorage.getItem('ewsd-token'));
  expect([world.token.length, world.token === cookie.value], [48, false], 'the token');
  await expectContrast(page, 'the mailboxes');
});

step('what changes something needs the token of the session', async ({ cookie, token }) => {
  const post = (headers) => call('POST', '/api/queue/1-1', { ...json, ...headers }, '{"action":"retry"}').then(({ status }) => status);
  expect(await post({}), 401, 'no session');
  expect(await post({ Cookie: cookie }), 403, 'no token');
  expect(await post({ Cookie: cookie, 'X-Ewsd-Token': token.replace(/./g, '0') }), 403, 'another token');
  expect(await post({ Cookie: cookie, 'X-Ewsd-Token': token, Origin: 'http://127.0.0.1:1' }), 403, 'a page of another server');
  expect(await post({ Cookie: cookie, 'X-Ewsd-Token': token }), 404, 'all of it: there is no such message');
  expect((await call('GET', '/api/queue', { Cookie: cookie })).status, 200, 'a question');
});

step('the session opens all of REST, and nothing that is dev\'s', async ({ cookie }) => {
  const get = async (path) => call('GET', path, { Cookie: cookie });
  const folders = await (await get(`/api/mailboxes/${other}/folders`)).json();
  const inbox = folders.folders.find((one) => one.distinguished === 'inbox').id;
  for (const path of ['/api/mailboxes', `/api/mailboxes/${other}/folders/${inbox}/items`, '/api/queue', '/api/events', '/api/session']) {
    expect((await get(path)).status, 200, path);
    if (path !== '/api/session') expect((await call('GET', path)).status, 401, `${path} without it`);
  }
  for (const path of ['/dev/messages', '/dev/requests', '/dev/faults', '/dev/openapi.json']) {
    expect((await get(path)).status, 404, path);
  }
});

step('the session of a page that nobody uses ends', async ({ page, cookie }) => {
  const mine = { Cookie: cookie, 'X-Ewsd-Idle': '1' };
  await until(async () => (await (await call('GET', '/api/session', mine)).json()).user === null, 'the end of the session');
  expect((await call('GET', '/api/queue', { Cookie: cookie })).status, 401, 'the cookie');
  await page.getByRole('link', { name: 'Queue' }).click();
  await page.getByLabel('Address').waitFor();
});

step('log-out ends it for good', async ({ page, context }) => {
  await logIn(page, user, password);
  await page.getByRole('button', { name: 'Log out' }).waitFor();
  const [cookie] = await context.cookies();
  const mine = { Cookie: `ewsd_session=${cookie.value}` };
  await page.getByRole('button', { name: 'Log out' }).click();
  await page.getByLabel('Address').waitFor();
  expect((await call('GET', '/api/queue', mine)).status, 401, 'the old cookie');
  expect((await context.cookies()).length, 0, 'cookies that are left');
});

step('a name that a proxy ended TLS for gets a Secure cookie', async () => {
  const answer = await call('POST', '/api/session', { ...json, Authorization: basic(user, password), 'X-Forwarded-Proto': 'https' }, '{}');
  expect(/; HttpOnly; SameSite=Strict; Secure$/.test(answer.headers.get('set-cookie')), true, answer.headers.get('set-cookie'));
});

step('nothing went wrong but what was refused', async (world) => {
  clean(world);
});

run().finally(stop);

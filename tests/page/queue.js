// The queue before a relay that nobody answers at: why mail waits, and what can be done.
'use strict';

const { expect, run, step, url: ews } = require('../clients/javascript/suite.js');
const { clean, expectContrast, expectFits, open, stop } = require('./browser.js');
const { send } = require('./world.js');

const root = new URL('/', ews).href;
const rows = (page) => page.getByRole('listbox', { name: 'Queue' }).getByRole('option');
const inQueue = async () => (await (await fetch(new URL('/api/queue', root))).json()).queue;

step('what waits appears with its reason', async (world) => {
  Object.assign(world, await open(`${root}#/queue`));
  const { page } = world;
  await page.getByText('The queue is empty').waitFor();
  for (const name of ['first', 'second']) {
    await send(ews, { from: 'alice@example.test', to: `${name}@elsewhere.example`, subject: `The ${name} message`, text: 'x' });
  }
  await rows(page).nth(1).waitFor();
  await rows(page).filter({ hasText: 'The first message' }).click();
  await page.locator('.recipients tbody tr').filter({ hasText: 'first@elsewhere.example' }).locator('.badge.waiting').waitFor();
  await page.locator('.why').filter({ hasNotText: 'first attempt' }).filter({ hasNotText: 'being sent' }).waitFor();
  const [entry] = (await inQueue()).filter(({ subject }) => subject === 'The first message');
  expect(await page.locator('.why').textContent(), entry.recipients[0].status, 'why it waits');
  await expectContrast(page, 'the queue');
});

step('it is held, released, and tried again', async ({ page }) => {
  await page.getByRole('button', { name: 'Hold' }).click();
  await page.getByRole('button', { name: 'Release' }).waitFor();
  expect(await page.locator('.why').textContent(), 'held: waits until it is released', 'why it waits');
  expect((await inQueue()).map(({ subject, held }) => [subject, held]).sort(), [['The first message', true], ['The second message', false]], 'the queue');
  await page.getByRole('button', { name: 'Release' }).click();
  await page.getByRole('button', { name: 'Hold' }).waitFor();
  const attempts = () => page.locator('.recipients tbody td').nth(2);
  const before = Number(await attempts().textContent());
  await page.getByRole('button', { name: 'Retry now' }).click();
  await page.getByText('It is tried again now.').waitFor();
  await page.waitForFunction((n) => Number(document.querySelector('.recipients tbody td:nth-child(3)').textContent) > n, before);
});

step('it is removed only when that is confirmed', async ({ page }) => {
  await page.getByRole('button', { name: 'Remove' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
  expect((await inQueue()).length, 2, 'cancelled');
  await page.getByRole('button', { name: 'Remove' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
  await page.getByText('This message waits no more').waitFor();
  expect((await inQueue()).map(({ subject }) => subject), ['The second message'], 'the queue');
});

step('a phone shows it, and a page of another server can do nothing', async (world) => {
  const phone = await open(`${root}#/queue`, { width: 360, height: 740, scheme: 'dark' });
  await rows(phone.page).first().click();
  await phone.page.locator('.recipients').waitFor();
  await expectFits(phone.page, 'a queued message');
  clean(phone);
  clean(world);
  const [entry] = await inQueue();
  const foreign = await fetch(new URL(`/api/queue/${entry.id}`, root), { method: 'POST', body: '{"action":"remove"}',
    headers: { 'Content-Type': 'application/json', Origin: 'http://127.0.0.1:1' } });
  expect([foreign.status, (await inQueue()).length], [403, 1], 'by a foreign Origin');
});

run().finally(stop);

'use strict';

const assert = require('node:assert');
const { after, before, beforeEach, test } = require('node:test');
const ews = require('ews-javascript-api');
const { Mail } = require('./ewsd');
const { sendInvoice } = require('./invoices');

let mail, service;

before(async () => {
  mail = await Mail.start();
  ews.EwsLogging.DebugLogEnabled = false;
  service = new ews.ExchangeService(ews.ExchangeVersion.Exchange2013);
  service.Credentials = new ews.WebCredentials('alice@example.test', 'secret');
  service.Url = new ews.Uri(mail.url);
});

after(() => mail.stop());
beforeEach(() => mail.reset());

test('what the customer gets', async () => {
  await sendInvoice(service, 'customer@elsewhere.test', 17);
  const message = await mail.wait('Invoice 17');
  assert.deepStrictEqual(message.recipients, ['customer@elsewhere.test']);
  assert.strictEqual(message.from.address, 'alice@example.test');
  assert.strictEqual(message.text.trim(), 'Please find invoice 17 below.');
});

test('a busy server is given time', async () => {
  await mail.fault({ op: 'SendItem', first: 2, do: 'busy:100' });
  await sendInvoice(service, 'customer@elsewhere.test', 18);
  await mail.wait('Invoice 18');
  assert.deepStrictEqual(await mail.requestsThatFitted(), [3]);
});

test('a server that stays busy', async () => {
  await mail.fault({ op: 'SendItem', do: 'busy_item:100' });
  await assert.rejects(sendInvoice(service, 'customer@elsewhere.test', 19),
                       (error) => error.ErrorCode === ews.ServiceError.ErrorServerBusy);
  assert.deepStrictEqual(await mail.messages(), []);
});

test('an answer that is lost', async () => {
  await mail.fault({ op: 'SendItem', call: 1, do: 'drop_after' });
  await sendInvoice(service, 'customer@elsewhere.test', 20);
  await mail.wait('Invoice 20');
  assert.deepStrictEqual(await mail.requestsThatFitted(), [2]);
  assert.deepStrictEqual((await mail.messages()).map((message) => message.subject), ['Invoice 20']);
});

test('a refusal is told', async () => {
  await mail.fault({ op: 'SendItem', do: 'code:ErrorMessageSizeExceeded' });
  await assert.rejects(sendInvoice(service, 'customer@elsewhere.test', 21),
                       (error) => error.ErrorCode === ews.ServiceError.ErrorMessageSizeExceeded);
});

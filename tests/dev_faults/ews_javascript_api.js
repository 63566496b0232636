/* Each fault on demand as ews-javascript-api sees it from Exchange: response
 * messages as ServiceResponseException, faults and HTTP errors as
 * SoapFaultDetails, with ErrorDetails that have the back-off. */
'use strict';

const path = require('path');
const { createRequire } = require('module');
const { step, expect, until, run, url, user, password } = require('../clients/javascript/suite');
const ews = createRequire(path.join(process.env.EWSD_CLIENTS, 'package.json'))('ews-javascript-api');

ews.EwsLogging.DebugLogEnabled = false;
const service = new ews.ExchangeService(ews.ExchangeVersion.Exchange2013);
service.Credentials = new ews.WebCredentials(user, password);
service.Url = new ews.Uri(url);

const faults = new URL('/dev/faults', url);
const { ServiceError, WellKnownFolderName: Folder } = ews;

async function ask(method, rule) {
  const answer = await fetch(faults, { method, body: rule && JSON.stringify(rule), headers: { 'Content-Type': 'application/json' } });
  expect(answer.ok, true, method + ' ' + JSON.stringify(rule));
  return (await answer.json()).faults;
}

async function inject(rule) {
  await ask('DELETE');
  return ask('POST', rule);
}

async function counts() {
  return (await ask('GET')).map((rule) => [rule.calls, rule.matched]);
}

const list = (folder) => service.FindItems(folder || Folder.Inbox, new ews.ItemView(50));
const subjects = async (folder) => (await list(folder)).Items.map((item) => item.Subject);

async function draft(subject) {
  const message = new ews.EmailMessage(service);
  message.Subject = subject;
  message.Body = new ews.MessageBody(ews.BodyType.Text, 'x');
  message.ToRecipients.Add('x@elsewhere.test');
  await message.Save();
  return ews.EmailMessage.Bind(service, message.Id);
}

async function thrown(call) {
  try {
    await call();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

const backOff = (details) => details.objects && details.objects.BackOffMilliseconds;

step('ErrorServerBusy as a fault, with its back-off', async () => {
  await inject({ op: 'FindItem', do: 'busy:2500' });
  const error = await thrown(() => list());
  expect([error.constructor.name, ServiceError[error.ResponseCode], error.HttpStatusCode, backOff(error.ErrorDetails)],
         ['SoapFaultDetails', 'ErrorServerBusy', 500, '2500'], 'what is thrown');
});

step('ErrorServerBusy as a response message, with its back-off', async () => {
  await inject({ op: 'FindItem', do: 'busy_item:2500' });
  const error = await thrown(() => list());
  expect([error instanceof ews.ServiceResponseException, ServiceError[error.ErrorCode], backOff(error.Response.ErrorDetails)],
         [true, 'ErrorServerBusy', '2500'], 'what is thrown');
});

step('who is told how long to wait, and asks again, has his answer', async () => {
  await inject({ op: 'FindItem', first: 1, do: 'busy:100' });
  const error = await thrown(() => list());
  expect(backOff(error.ErrorDetails), '100', 'the back-off');
  expect((await list()).TotalCount, 0, 'the Inbox');
  expect(await counts(), [[2, 1]], 'requests');
});

for (const [fault, code, text] of [
  ['quota', 'ErrorQuotaExceeded', 'Mailbox has exceeded maximum mailbox size.'], ['moved', 'ErrorMailboxMoveInProgress'],
  ['unavailable', 'ErrorMailboxStoreUnavailable'], ['code:ErrorAccessDenied', 'ErrorAccessDenied'],
]) {
  step('a response message with ' + code, async () => {
    await inject({ op: 'FindItem', do: fault });
    const error = await thrown(() => list());
    expect([error.constructor.name, ServiceError[error.ErrorCode]], ['ServiceResponseException', code], 'what is thrown');
    expect(text === undefined || error.Message === text, true, error.Message);
  });
}

step('a code of somebody\'s choice, with a text', async () => {
  const message = await draft('large');
  await inject({ op: 'SendItem', first: 1, do: 'code:ErrorMessageSizeExceeded', text: 'Larger than 10 MB.' });
  const error = await thrown(() => message.Send());
  expect([ServiceError[error.ErrorCode], error.Message], ['ErrorMessageSizeExceeded', 'Larger than 10 MB.'], 'what is thrown');
  await message.Send();
});

step('a fault with a code', async () => {
  await inject({ op: 'FindItem', do: 'fault:ErrorImpersonateUserDenied' });
  const error = await thrown(() => list());
  expect([error.constructor.name, ServiceError[error.ResponseCode]], ['SoapFaultDetails', 'ErrorImpersonateUserDenied'], 'what is thrown');
});

for (const [rule, status, exception] of [
  [{ do: 'http:401' }, 401, 'ServiceRequestUnauthorizedException'], [{ do: 'http:403' }, 403], [{ do: 'http:503' }, 503],
  [{ do: 'http:456', header: 'StatusDescription: https://unlock.test/' }, 456, 'AccountIsLockedException'],
]) {
  step('HTTP ' + status, async () => {
    await inject({ op: 'FindItem', ...rule });
    const error = await thrown(() => list());
    expect([error.HttpStatusCode, error.Exception && error.Exception.constructor.name], [status, exception], 'what is thrown');
  });
}

step('HTTP 500 that is no SOAP', async () => {
  await inject({ op: 'FindItem', do: 'http:500' });
  const error = await thrown(() => list());
  expect([error.status, error.responseText.includes("Server Error in '/EWS' Application")], [500, true], 'what is thrown');
});

step('a stale ChangeKey', async () => {
  const message = await draft('stale');
  await inject({ op: 'SendItem', first: 1, do: 'stale' });
  const error = await thrown(() => message.Send());
  expect(ServiceError[error.ErrorCode], 'ErrorIrresolvableConflict', 'what is thrown');
  await (await ews.EmailMessage.Bind(service, message.Id)).Send();
});

step('a connection that is dropped before anything is done', async () => {
  const message = await draft('dropped before');
  await inject({ op: 'SendItem', first: 1, do: 'drop' });
  expect((await thrown(() => message.Send())).message, 'socket hang up', 'what is thrown');
  expect(await subjects(Folder.Drafts), ['dropped before'], 'Drafts');
  await message.Send();
});

step('a connection that is dropped after the commit: sent again, it goes once', async () => {
  const message = await draft('dropped after');
  await inject({ op: 'SendItem', first: 1, do: 'drop_after' });
  expect((await thrown(() => message.SendAndSaveCopy())).message, 'socket hang up', 'what is thrown');
  expect(await subjects(Folder.Drafts), [], 'Drafts');
  await message.SendAndSaveCopy();
  expect(await counts(), [[2, 1]], 'requests');
  expect(await subjects(Folder.SentItems), ['dropped after'], 'Sent Items');
  const next = await draft('the next');
  await next.Send();
  const captured = async () => (await (await fetch(new URL('/dev/messages', url))).json()).map((one) => one.subject);
  await until(async () => (await captured()).includes('the next'), 'the next message');
  expect((await captured()).filter((one) => one === 'dropped after').length, 1, 'times it was sent');
});

step('an answer that is cut off', async () => {
  await inject({ op: 'FindItem', do: 'cut:100' });
  expect((await thrown(() => list())).message, 'stream has been aborted', 'what is thrown');
});

step('answers that come late and slowly', async () => {
  await inject({ op: 'FindItem', do: 'slow:10000', delay: 100 });
  expect(await subjects(), [], 'the Inbox');
  expect(await counts(), [[1, 1]], 'requests');
});

step('a rate limit', async () => {
  await inject({ op: 'SendItem', do: 'rate:1' });
  const messages = [await draft('rate'), await draft('rate'), await draft('rate')];
  await messages[0].Send();
  const error = await thrown(() => messages[1].Send());
  const wait = Number(backOff(error.Response.ErrorDetails));
  expect([ServiceError[error.ErrorCode], wait > 0 && wait <= 60000], ['ErrorServerBusy', true], 'what is thrown');
});

run();

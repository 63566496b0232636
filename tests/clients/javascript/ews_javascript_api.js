/* ews-javascript-api as it comes: drafts, edits, attachments, folders. */
'use strict';

const path = require('path');
const { createRequire } = require('module');
const { step, expect, until, run, url, user, password } = require('./suite');
const ews = createRequire(path.join(process.env.EWSD_CLIENTS, 'package.json'))('ews-javascript-api');

ews.EwsLogging.DebugLogEnabled = false;
const service = new ews.ExchangeService(ews.ExchangeVersion.Exchange2013);
service.Credentials = new ews.WebCredentials(user, password);
service.Url = new ews.Uri(url);

const Inbox = ews.WellKnownFolderName.Inbox;
const all = () => new ews.ItemView(50);

step('ews-javascript-api: folders are bound and listed', async () => {
  const inbox = await ews.Folder.Bind(service, Inbox);
  expect(inbox.DisplayName, 'Inbox', 'its name');
  const found = await service.FindFolders(ews.WellKnownFolderName.MsgFolderRoot, new ews.FolderView(100));
  const names = found.Folders.map((folder) => folder.DisplayName);
  for (const name of ['Inbox', 'Drafts', 'Sent Items']) {
    expect(names.includes(name), true, name);
  }
});

step('ews-javascript-api: a draft is saved, found and read', async (world) => {
  const draft = new ews.EmailMessage(service);
  draft.Subject = 'From JavaScript';
  draft.Body = new ews.MessageBody(ews.BodyType.Text, 'first');
  draft.ToRecipients.Add('bob@example.test');
  await draft.Save();
  const found = await service.FindItems(ews.WellKnownFolderName.Drafts, all());
  expect(found.Items.map((item) => item.Subject), ['From JavaScript'], 'Drafts');
  const read = await ews.EmailMessage.Bind(service, found.Items[0].Id);
  expect([read.Subject, read.Body.Text.trim(), read.ToRecipients._getItem(0).Address],
         ['From JavaScript', 'first', 'bob@example.test'], 'the draft');
  world.draft = read;
});

step('ews-javascript-api: it is edited', async (world) => {
  world.draft.Subject = 'Edited in JavaScript';
  world.draft.Importance = ews.Importance.High;
  await world.draft.Update(ews.ConflictResolutionMode.AutoResolve);
  const read = await ews.EmailMessage.Bind(service, world.draft.Id);
  expect([read.Subject, read.Importance], ['Edited in JavaScript', ews.Importance.High], 'the edited draft');
  world.draft = read;
});

step('ews-javascript-api: a file is attached, and read back', async (world) => {
  const bytes = Buffer.from('some bytes \u0000\u0001\u00ff', 'latin1');
  world.draft.Attachments.AddFileAttachment('data.bin', bytes.toString('base64'));
  await world.draft.Update(ews.ConflictResolutionMode.AlwaysOverwrite);
  const read = await ews.EmailMessage.Bind(service, world.draft.Id);
  expect(read.HasAttachments, true, 'HasAttachments');
  const file = read.Attachments.Items[0];
  await file.Load();
  expect([file.Name, file.Base64Content], ['data.bin', bytes.toString('base64')], 'the file');
  world.draft = read;
});

step('ews-javascript-api: it is sent, with a copy', async (world) => {
  await world.draft.SendAndSaveCopy();
  const sent = await service.FindItems(ews.WellKnownFolderName.SentItems, all());
  expect(sent.Items.map((item) => item.Subject), ['Edited in JavaScript'], 'Sent Items');
  expect((await service.FindItems(ews.WellKnownFolderName.Drafts, all())).Items.length, 0, 'Drafts');
});

step('ews-javascript-api: a new message is sent, and arrives', async () => {
  const message = new ews.EmailMessage(service);
  message.Subject = 'To myself';
  message.Body = new ews.MessageBody(ews.BodyType.HTML, 'hello');
  message.ToRecipients.Add(user);
  await message.SendAndSaveCopy();
  await until(async () => (await service.FindItems(Inbox, all())).Items.some((item) => item.Subject === 'To myself'), 'the message');
});

step('ews-javascript-api: names are resolved', async () => {
  const found = await service.ResolveName('bob');
  expect([found.Count, found._getItem(0).Mailbox.Address], [1, 'bob@example.test'], 'bob');
});

step('ews-javascript-api: a message is moved and deleted', async () => {
  const found = await service.FindItems(Inbox, all());
  const message = await ews.EmailMessage.Bind(service, found.Items[0].Id);
  const moved = await message.Move(ews.WellKnownFolderName.JunkEmail);
  await (moved || message).Delete(ews.DeleteMode.HardDelete);
  expect((await service.FindItems(ews.WellKnownFolderName.JunkEmail, all())).Items.length, 0, 'Junk Email');
});

run();

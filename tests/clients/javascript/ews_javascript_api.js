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

step('ews-javascript-api: a filter, an order and a page', async () => {
  const first = new ews.SearchFilter.ContainsSubstring(ews.ItemSchema.Subject, 'to MY', ews.ContainmentMode.Substring,
                                                       ews.ComparisonMode.IgnoreCase);
  const unread = new ews.SearchFilter.IsEqualTo(ews.EmailMessageSchema.IsRead, false);
  const both = new ews.SearchFilter.SearchFilterCollection(ews.LogicalOperator.And, [first, unread]);
  const view = new ews.ItemView(1);
  view.OrderBy.Add(ews.ItemSchema.DateTimeReceived, ews.SortDirection.Descending);
  view.PropertySet = new ews.PropertySet(ews.BasePropertySet.IdOnly, [ews.ItemSchema.Subject, ews.EmailMessageSchema.From]);
  const found = await service.FindItems(Inbox, both, view);
  expect([found.TotalCount, found.MoreAvailable, found.Items[0].Subject, !!found.Items[0].From.Name],
         [1, false, 'To myself', true], 'what is found');
  const none = await service.FindItems(Inbox, new ews.SearchFilter.Not(first), all());
  expect(none.Items.length, 0, 'what is not');
  const words = await service.FindItems(Inbox, 'subject:myself', all());
  expect(words.Items.length, 1, 'the query string');
});

step('ews-javascript-api: it is answered, to all, and passed on', async (world) => {
  const found = await service.FindItems(Inbox, all());
  const message = await ews.EmailMessage.Bind(service, found.Items[0].Id);
  await message.Reply(new ews.MessageBody(ews.BodyType.HTML, 'short'), false);
  await message.Reply(new ews.MessageBody(ews.BodyType.HTML, 'short'), true);
  await message.Forward(new ews.MessageBody(ews.BodyType.HTML, 'see below'), [new ews.EmailAddress('bob@example.test')]);
  const subjects = (await service.FindItems(ews.WellKnownFolderName.SentItems, all())).Items.map((item) => item.Subject).sort();
  expect(subjects, ['Edited in JavaScript', 'FW: To myself', 'RE: To myself', 'RE: To myself', 'To myself'], 'Sent Items');
  world.message = message;
});

step('ews-javascript-api: an answer is saved, edited and then sent', async (world) => {
  const response = world.message.CreateReply(true);
  response.BodyPrefix = new ews.MessageBody(ews.BodyType.Text, 'let me think');
  response.CcRecipients.Add('bob@example.test');
  const saved = await response.Save();
  const draft = await ews.EmailMessage.Bind(service, saved.Id);
  expect([draft.Subject, draft.InReplyTo, draft.CcRecipients._getItem(0).Address, draft.Body.Text.startsWith('let me think')],
         ['RE: To myself', world.message.InternetMessageId, 'bob@example.test', true], 'the draft');
  draft.Subject = 'Thought about';
  await draft.Update(ews.ConflictResolutionMode.AutoResolve);
  await draft.Send();
  expect((await service.FindItems(ews.WellKnownFolderName.Drafts, all())).Items.length, 0, 'Drafts');
});

step('ews-javascript-api: an item is attached, and read back', async () => {
  const draft = new ews.EmailMessage(service);
  draft.Subject = 'Outer';
  draft.ToRecipients.Add('bob@example.test');
  const within = draft.Attachments.AddItemAttachment(ews.EmailMessage, 'Message');
  within.Name = 'Inner';
  within.Item.Subject = 'Inner';
  within.Item.Body = new ews.MessageBody(ews.BodyType.Text, 'within');
  draft.Attachments.AddFileAttachment('a.txt', Buffer.from('a').toString('base64'));
  await draft.Save();
  const read = await ews.EmailMessage.Bind(service, draft.Id);
  expect([read.HasAttachments, read.Attachments.Items.map((one) => one.Name).sort()], [true, ['Inner', 'a.txt']], 'the attachments');
  const attached = read.Attachments.Items.find((one) => one.Name === 'Inner');
  const got = await service.GetAttachments([attached.Id], null, null); // attached.Load() refuses itself
  const item = got.Responses[0].Attachment.Item;
  expect([item.Subject, item.Body.Text.trim()], ['Inner', 'within'], 'the item');
  read.Attachments.Remove(read.Attachments.Items.find((one) => one.Name === 'a.txt'));
  await read.Update(ews.ConflictResolutionMode.AlwaysOverwrite);
  const after = await ews.EmailMessage.Bind(service, draft.Id);
  expect(after.Attachments.Items.map((one) => one.Name), ['Inner'], 'what is left');
  await after.Delete(ews.DeleteMode.MoveToDeletedItems);
});

step('ews-javascript-api: folders are made, found, renamed, emptied, deleted', async (world) => {
  const folder = new ews.Folder(service);
  folder.DisplayName = 'Projects';
  await folder.Save(Inbox);
  const within = new ews.Folder(service);
  within.DisplayName = 'Within';
  await within.Save(folder.Id);
  const view = new ews.FolderView(10);
  view.Traversal = ews.FolderTraversal.Deep;
  const filter = new ews.SearchFilter.IsEqualTo(ews.FolderSchema.DisplayName, 'Within');
  const found = await service.FindFolders(ews.WellKnownFolderName.MsgFolderRoot, filter, view);
  expect(found.Folders.map((one) => one.DisplayName), ['Within'], 'Within');
  const bound = await ews.Folder.Bind(service, folder.Id);
  bound.DisplayName = 'Old projects';
  await bound.Update();
  const copy = await world.message.Copy(bound.Id);
  expect((await ews.Folder.Bind(service, bound.Id)).TotalCount, 1, 'items, with a copy ' + !!copy);
  await bound.Empty(ews.DeleteMode.HardDelete, true);
  const empty = await ews.Folder.Bind(service, bound.Id);
  expect([empty.DisplayName, empty.TotalCount, empty.ChildFolderCount], ['Old projects', 0, 0], 'the folder');
  await empty.Delete(ews.DeleteMode.HardDelete);
  const left = await service.FindFolders(Inbox, new ews.FolderView(10));
  expect(left.Folders.length, 0, 'folders');
});

step('ews-javascript-api: items are synchronised', async (world) => {
  const inbox = new ews.FolderId(Inbox);
  const sync = (state) => service.SyncFolderItems(inbox, ews.PropertySet.IdOnly, null, 100, ews.SyncFolderItemsScope.NormalItems, state);
  let state = null, seen = 0;
  for (let more = true; more;) {
    const changes = await sync(state);
    changes.GetEnumerator().forEach((change) => expect(change.ChangeType, ews.ChangeType.Create, 'the first time'));
    seen += changes.Count;
    state = changes.SyncState;
    more = changes.MoreChangesAvailable;
  }
  expect(seen >= 1, true, 'items');
  expect((await sync(state)).Count, 0, 'nothing new');
  const message = await ews.EmailMessage.Bind(service, world.message.Id);
  message.IsRead = true;
  await message.Update(ews.ConflictResolutionMode.AutoResolve);
  const read = await sync(state);
  const mine = read.GetEnumerator().filter((change) => change.ItemId.UniqueId === message.Id.UniqueId);
  expect(mine.map((change) => [change.ChangeType, change.IsRead]), [[ews.ChangeType.ReadFlagChange, true]], 'it was read');
});

step('ews-javascript-api: the tree of folders is synchronised', async () => {
  const root = new ews.FolderId(ews.WellKnownFolderName.MsgFolderRoot);
  const first = await service.SyncFolderHierarchy(root, ews.PropertySet.FirstClassProperties, null);
  expect(first.GetEnumerator().some((change) => change.Folder && change.Folder.DisplayName === 'Inbox'), true, 'Inbox');
  const folder = new ews.Folder(service);
  folder.DisplayName = 'New';
  await folder.Save(ews.WellKnownFolderName.MsgFolderRoot);
  const second = await service.SyncFolderHierarchy(root, ews.PropertySet.FirstClassProperties, first.SyncState);
  expect(second.GetEnumerator().map((change) => [change.ChangeType, change.Folder.DisplayName]), [[ews.ChangeType.Create, 'New']], 'the new one');
  await folder.Delete(ews.DeleteMode.HardDelete);
  const third = await service.SyncFolderHierarchy(root, ews.PropertySet.FirstClassProperties, second.SyncState);
  expect(third.GetEnumerator().map((change) => change.ChangeType), [ews.ChangeType.Delete], 'it is gone');
});

step('ews-javascript-api: categories, a flag and an extended property', async () => {
  const mine = new ews.ExtendedPropertyDefinition(ews.DefaultExtendedPropertySet.PublicStrings, 'Ticket', ews.MapiPropertyType.String);
  const draft = new ews.EmailMessage(service);
  draft.Subject = 'Marked';
  draft.Categories.Add('red');
  draft.SetExtendedProperty(mine, '4711');
  await draft.Save();
  const view = new ews.ItemView(10);
  view.PropertySet = new ews.PropertySet(ews.BasePropertySet.FirstClassProperties, [mine]);
  const found = await service.FindItems(ews.WellKnownFolderName.Drafts, new ews.SearchFilter.IsEqualTo(mine, '4711'), view);
  const out = { outValue: null };
  expect([found.Items.length, found.Items[0].TryGetProperty(mine, out), out.outValue], [1, true, '4711'], 'the property');
  expect(found.Items[0].Categories.GetEnumerator(), ['red'], 'the categories');
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

/* node-ews as it comes: it fetches the WSDL and the schema from the server and
 * makes its client of them. */
'use strict';

const path = require('path');
const { createRequire } = require('module');
const { step, expect, until, run, url, user, password } = require('./suite');
const EWS = createRequire(path.join(process.env.EWSD_CLIENTS, 'package.json'))('node-ews');

const host = new URL(url).origin;
const ews = new EWS({ username: user, password, host, auth: 'basic' });

function one(answer, operation) {
  const message = answer.ResponseMessages[operation + 'ResponseMessage'];
  expect(message.attributes.ResponseClass, 'Success', operation + ': ' + message.MessageText);
  return message;
}

const inFolder = (id) => ({ DistinguishedFolderId: { attributes: { Id: id } } });

step('node-ews: the description is fetched, and a draft is made', async (world) => {
  const answer = await ews.run('CreateItem', {
    attributes: { MessageDisposition: 'SaveOnly' },
    SavedItemFolderId: inFolder('drafts'),
    Items: {
      Message: {
        ItemClass: 'IPM.Note', Subject: 'From node', Body: { attributes: { BodyType: 'Text' }, $value: 'a < b & c' },
        ToRecipients: { Mailbox: { EmailAddress: 'bob@example.test' } }, IsRead: 'false',
      },
    },
  });
  world.id = one(answer, 'CreateItem').Items.Message.ItemId.attributes;
});

step('node-ews: it is found', async (world) => {
  const answer = await ews.run('FindItem', {
    attributes: { Traversal: 'Shallow' }, ItemShape: { BaseShape: 'AllProperties' }, ParentFolderIds: inFolder('drafts'),
  });
  const found = one(answer, 'FindItem').RootFolder.Items.Message;
  expect([found.Subject, found.ItemId.attributes.Id], ['From node', world.id.Id], 'the draft');
});

step('node-ews: it is read', async (world) => {
  const answer = await ews.run('GetItem', { ItemShape: { BaseShape: 'AllProperties' }, ItemIds: { ItemId: { attributes: world.id } } });
  expect(one(answer, 'GetItem').Items.Message.Body.$value, 'a < b & c', 'the body');
});

step('node-ews: it is sent', async (world) => {
  one(await ews.run('SendItem', {
    attributes: { SaveItemToFolder: 'true' }, ItemIds: { ItemId: { attributes: world.id } }, SavedItemFolderId: inFolder('sentitems'),
  }), 'SendItem');
});

step('node-ews: a new message is sent at once', async () => {
  one(await ews.run('CreateItem', {
    attributes: { MessageDisposition: 'SendAndSaveCopy' },
    SavedItemFolderId: inFolder('sentitems'),
    Items: { Message: { Subject: 'At once', Body: { attributes: { BodyType: 'HTML' }, $value: '<p>now</p>' },
                        ToRecipients: { Mailbox: [{ EmailAddress: 'bob@example.test' }, { EmailAddress: user }] } } },
  }), 'CreateItem');
  await until(async () => {
    const answer = await ews.run('FindItem', {
      attributes: { Traversal: 'Shallow' }, ItemShape: { BaseShape: 'Default' }, ParentFolderIds: inFolder('inbox'),
    });
    const items = one(answer, 'FindItem').RootFolder.Items;
    return items && items.Message && [].concat(items.Message).some((item) => item.Subject === 'At once');
  }, 'the message in the Inbox');
});

step('node-ews: the Inbox is synchronised', async () => {
  const sync = (state) => ews.run('SyncFolderItems', {
    ItemShape: { BaseShape: 'IdOnly' }, SyncFolderId: inFolder('inbox'), ...(state ? { SyncState: state } : {}), MaxChangesReturned: '10',
  });
  const first = one(await sync(null), 'SyncFolderItems');
  expect([].concat(first.Changes.Create).length, 1, 'the message');
  expect(first.IncludesLastItemInRange, 'true', 'IncludesLastItemInRange');
  const id = first.Changes.Create.Message.ItemId.attributes;
  one(await ews.run('UpdateItem', {
    attributes: { ConflictResolution: 'AutoResolve', MessageDisposition: 'SaveOnly' },
    ItemChanges: { ItemChange: {
      ItemId: { attributes: id },
      Updates: { SetItemField: { FieldURI: { attributes: { FieldURI: 'message:IsRead' } }, Message: { IsRead: 'true' } } },
    } },
  }), 'UpdateItem');
  const second = one(await sync(first.SyncState), 'SyncFolderItems');
  expect(second.Changes.ReadFlagChange.IsRead, 'true', 'it was read');
});

step('node-ews: a draft is made of a reply, and deleted', async () => {
  const find = (folder) => ews.run('FindItem', {
    attributes: { Traversal: 'Shallow' }, ItemShape: { BaseShape: 'IdOnly' }, ParentFolderIds: inFolder(folder),
  });
  const original = one(await find('inbox'), 'FindItem').RootFolder.Items.Message.ItemId.attributes;
  const made = one(await ews.run('CreateItem', {
    attributes: { MessageDisposition: 'SaveOnly' }, SavedItemFolderId: inFolder('drafts'),
    Items: { ReplyToItem: { ReferenceItemId: { attributes: original }, NewBodyContent: { attributes: { BodyType: 'Text' }, $value: 'yes' } } },
  }), 'CreateItem').Items.Message.ItemId.attributes;
  const got = one(await ews.run('GetItem', { ItemShape: { BaseShape: 'Default' }, ItemIds: { ItemId: { attributes: made } } }), 'GetItem');
  expect(got.Items.Message.Subject, 'RE: At once', 'the draft');
  one(await ews.run('DeleteItem', { attributes: { DeleteType: 'HardDelete' }, ItemIds: { ItemId: { attributes: { Id: made.Id } } } }), 'DeleteItem');
});

step('node-ews: names are resolved', async () => {
  const answer = await ews.run('ResolveNames', { attributes: { ReturnFullContactData: 'false' }, UnresolvedEntry: 'bob' });
  expect(one(answer, 'ResolveNames').ResolutionSet.Resolution.Mailbox.EmailAddress, 'bob@example.test', 'bob');
});

step('node-ews: time zones', async () => {
  const answer = await ews.run('GetServerTimeZones', { attributes: { ReturnFullTimeZoneData: 'false' }, Ids: { Id: ['UTC'] } });
  expect(one(answer, 'GetServerTimeZones').TimeZoneDefinitions.TimeZoneDefinition.attributes.Id, 'UTC', 'the zone');
});

run();

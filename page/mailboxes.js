// Mailboxes, their folders, the items of a folder, and one item.

import { h, icon, size, time, attempt, count, empty } from './dom.js';
import { get } from './api.js';
import { list } from './list.js';
import { messageView } from './message.js';

const PAGE = 100;
const path = (...parts) => parts.map(encodeURIComponent).join('/');

const wide = () => matchMedia('(min-width: 900px)').matches;

// Folders as rows: what a user sees, with its depth; of the rest (what was deleted, the
// archive, search folders) only what holds something.
function visible(folders) {
  const byId = new Map(folders.map((entry) => [entry.id, entry]));
  return folders.filter((entry) => entry.path).map((entry) => {
    let depth = 0;
    let up = byId.get(entry.parent);
    for (; up?.path; up = byId.get(up.parent)) depth++;
    return { ...entry, depth, plain: up?.distinguished === 'msgfolderroot' };
  }).filter((entry) => entry.plain || entry.total > 0);
}

export function create(go, replace) {
  const search = h('input', { type: 'search', placeholder: 'Search: subject:report from:bob', 'aria-label': 'Search this folder', 'data-search': true });
  const summary = h('span.summary', { role: 'status' });
  const nothing = h('div');
  const detail = h('section.pane.detail', { 'aria-label': 'Item' });
  const moreBoxes = h('button.more', { type: 'button', hidden: true, onclick: () => { boxLimit += PAGE; attempt(refresh); } }, 'Show more');
  const moreItems = h('button.more', { type: 'button', hidden: true, onclick: () => { itemLimit += PAGE; attempt(refresh); } }, 'Show more');
  const title = h('h2');
  let boxLimit = PAGE;
  let itemLimit = PAGE;
  let [address, folder, item] = [null, null, null];
  let asked = 0;

  // Mailboxes, and below the chosen one its folders.
  const tree = list({
    label: 'Mailboxes and folders',
    key: (entry) => entry.id ? `${entry.address}/${entry.id}` : entry.address,
    open: (entry) => go('mailboxes', entry.address, ...entry.id ? [entry.id] : []),
    className: (entry) => entry.id ? `folder depth-${Math.min(entry.depth, 4)}` : 'mailbox',
    row: (entry) => entry.id
      ? [icon('folder'), h('span.grow', null, entry.name), h(`span.count${entry.unread ? '.unread' : ''}`, { title: `${entry.total} items, ${entry.unread} unread` }, entry.unread || entry.total || '')]
      : [h('span.grow', null, h('strong', null, entry.address), entry.name && entry.name !== entry.address ? h('small', null, entry.name) : null), h('span.count', { title: `${entry.total} items, ${size(entry.size)}` }, entry.total || '')],
  });

  const items = list({
    label: 'Items',
    key: (entry) => entry.id,
    open: (entry) => go('mailboxes', address, folder, entry.id),
    className: (entry) => entry.read ? '' : 'unread',
    row: (entry) => [
      h('div.first', null, h('strong', null, entry.draft ? [h('span.badge', null, 'draft'), ' '] : '', entry.from.name || entry.from.address || entry.to || '(nobody)'),
        entry.has_attachments ? icon('clip') : null, time(entry.time)),
      h('div.second', null, entry.importance === 'high' ? h('span.important', { title: 'High importance' }, '! ') : '', entry.subject || '(no subject)'),
      h('div.third', null, h('span', null, entry.class === 'IPM.Note' ? `to ${entry.to || 'nobody'}` : entry.class), h('span', null, size(entry.size))),
    ],
  });

  async function loadTree() {
    const { mailboxes, next } = await get(`/api/mailboxes?limit=${Math.min(boxLimit, 1000)}`);
    moreBoxes.hidden = next === null || boxLimit >= 1000;
    const folders = address ? (await get(`/api/mailboxes/${path(address)}/folders`).catch(() => ({ folders: [] }))).folders : [];
    tree.update(mailboxes.flatMap((box) => box.address === address
      ? [box, ...visible(folders).map(({ id, name, total, unread, depth }) => ({ address, id, name, total, unread, depth }))]
      : [box]));
    return { mailboxes, inbox: folders.find((entry) => entry.distinguished === 'inbox')?.id, here: folders.find(({ id }) => id === folder) };
  }

  async function refresh() {
    const mine = ++asked;
    const { mailboxes, inbox, here } = await loadTree();
    if (mine !== asked) return;
    tree.choose(folder ? `${address}/${folder}` : address);
    if (!folder && inbox && wide()) {
      replace('mailboxes', address, inbox); // so that the way back doesn't lead here again
      return;
    }
    if (!mailboxes.length) {
      items.update([]);
      nothing.replaceChildren(empty('No mailboxes', h('p', null, 'Make one with ', h('code', null, 'ewsctl user add'), '.')));
      return;
    }
    if (!folder) {
      items.update([]);
      summary.textContent = '';
      title.textContent = 'Mailboxes';
      nothing.replaceChildren(empty('No folder is open', h('p', null, 'Choose a mailbox, then a folder.')));
      return;
    }
    const query = search.value.trim();
    const found = await get(`/api/mailboxes/${path(address)}/folders/${path(folder)}/items?limit=${itemLimit}${query ? `&q=${encodeURIComponent(query)}` : ''}`);
    if (mine !== asked) return;
    title.textContent = here?.name ?? 'Folder';
    moreItems.hidden = found.next === null || itemLimit >= 1000;
    items.update(found.items);
    summary.textContent = found.total ? count(found.total, 'item') : '';
    nothing.replaceChildren(found.total ? '' : query
      ? empty('Nothing here has that', h('p', null, 'Words are searched, and ', h('code', null, 'subject:'), ', ', h('code', null, 'from:'), ', ', h('code', null, 'to:'), ' …'))
      : empty('This folder is empty'));
  }

  async function showItem() {
    if (!item) {
      detail.replaceChildren(h('p.hint', null, folder ? 'Choose an item to read it.' : ''));
      return;
    }
    const wanted = item;
    const base = `/api/mailboxes/${path(address)}/items/${path(item)}`;
    const message = await get(base).catch((error) => error);
    if (wanted !== item) return;
    const back = h('button.back', { type: 'button', onclick: () => go('mailboxes', address, folder) }, icon('back'), title.textContent || 'Items');
    if (message instanceof Error) {
      detail.replaceChildren(back, empty('This item is not here', h('p', null, message.message)));
      return;
    }
    detail.replaceChildren(back, messageView(message, { raw: `${base}/raw`, html: `${base}/html`, attachment: (n) => `${base}/attachments/${n}` }));
  }

  async function show(params) {
    const [oldAddress, oldFolder, oldItem] = [address, folder, item];
    [address, folder, item] = [params[0] ?? null, params[1] ?? null, params[2] ?? null];
    element.dataset.depth = item ? 3 : folder ? 2 : 1;
    items.choose(item);
    if (address !== oldAddress || folder !== oldFolder) {
      search.value = '';
      itemLimit = PAGE;
      await attempt(refresh);
      items.choose(item);
    }
    if (item !== oldItem || address !== oldAddress || !detail.childNodes.length) await showItem();
  }

  search.addEventListener('input', () => attempt(refresh));
  const element = h('div.panes.three', { 'data-depth': 1 },
    h('section.pane.folders', { 'aria-label': 'Mailboxes and folders' }, tree.element, moreBoxes),
    h('section.pane.listing', { 'aria-label': 'Items' },
      h('button.back', { type: 'button', onclick: () => go('mailboxes', address) }, icon('back'), 'Folders'),
      h('div.bar', null, search), h('div.bar.thin', null, title, summary), items.element, moreItems, nothing),
    detail);
  return { element, show, refresh, get list() { return folder && !tree.element.contains(document.activeElement) ? items : tree; } };
}

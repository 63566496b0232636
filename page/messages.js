// Captured messages: a list that is searched and stays up to date, and one message.

import { h, icon, size, time, attempt, confirm, copyButton, count, empty, toast } from './dom.js';
import { get, remove, session } from './api.js';
import { list } from './list.js';
import { messageView } from './message.js';

const PAGE = 100;

function copyRow(name, value) {
  return [h('dt', null, name), h('dd', null, h('code', null, value), copyButton(value, `the ${name.toLowerCase()}`))];
}

function welcome() {
  return empty('Nothing captured yet', h('p', null, 'Point your client at this server and send a message. What goes to an address that is no mailbox here shows up at once.'),
    h('dl.connect', null, copyRow('URL', session.url), copyRow('User', session.example_user),
      session.example_password ? copyRow('Password', session.example_password)
        : [h('dt', null, 'Password'), h('dd', null, 'as given with ', h('code', null, '--user'))]));
}

export function create(go) {
  const search = h('input', { type: 'search', placeholder: 'Search', 'aria-label': 'Search messages', 'data-search': true });
  const summary = h('span.summary', { role: 'status' });
  const nothing = h('div');
  const detail = h('section.pane.detail', { 'aria-label': 'Message' });
  const more = h('button.more', { type: 'button', hidden: true, onclick: () => { limit += PAGE; attempt(refresh); } }, 'Show more');
  let limit = PAGE;
  let shown = null; // the id of the message in detail
  let asked = 0;

  const messages = list({
    label: 'Captured messages',
    key: (entry) => entry.id,
    open: (entry) => go('messages', entry.id),
    row: (entry) => [
      h('div.first', null, h('strong', null, entry.recipients.join(', ')), time(entry.time)),
      h('div.second', null, entry.subject || '(no subject)'),
      h('div.third', null, h('span', null, `from ${entry.sender || 'nobody (a report)'}`), h('span', null, size(entry.size))),
    ],
  });

  async function refresh() {
    const mine = ++asked;
    const query = search.value.trim();
    const found = await get(`/dev/messages?order=newest&limit=${limit + 1}${query ? `&q=${encodeURIComponent(query)}` : ''}`);
    if (mine !== asked) return; // a later search has been answered, or will be
    more.hidden = found.length <= limit;
    const entries = found.slice(0, limit);
    messages.update(entries);
    summary.textContent = entries.length ? count(entries.length, 'message') + (more.hidden ? '' : ' shown') : '';
    nothing.replaceChildren(entries.length ? '' : query ? empty('No message has that', h('p', null, 'Sender, recipients, subject and source are searched.')) : welcome());
    element.classList.toggle('nothing', !entries.length && !query && !shown);
  }

  async function deleteOne(message) {
    if (!await confirm('Delete this message?', `“${message.subject || '(no subject)'}” to ${message.recipients.join(', ')} is gone then.`, 'Delete')) return;
    await attempt(async () => {
      await remove(`/dev/messages/${message.id}`);
      toast('The message is deleted.');
      go('messages');
      await refresh();
      messages.focusChosen();
    });
  }

  async function deleteAll() {
    if (!await confirm('Delete all captured messages?', 'Mailboxes and the queue stay as they are.', 'Delete all')) return;
    await attempt(async () => {
      const { deleted } = await remove('/dev/messages');
      toast(`${count(deleted, 'message')} deleted.`);
      go('messages');
      await refresh();
    });
  }

  async function show([id]) {
    shown = id ?? null;
    messages.choose(shown);
    element.dataset.depth = shown ? 2 : 1;
    if (!shown) {
      detail.replaceChildren(h('p.hint', null, 'Choose a message to read it.'));
      return;
    }
    element.classList.remove('nothing');
    const base = `/dev/messages/${encodeURIComponent(id)}`;
    const message = await get(`${base}/json`).catch((error) => error);
    if (shown !== id) return;
    if (message instanceof Error) {
      detail.replaceChildren(empty('This message is not here', h('p', null, message.message)));
      return;
    }
    detail.replaceChildren(h('button.back', { type: 'button', onclick: () => go('messages') }, icon('back'), 'Messages'),
      messageView(message, { raw: base, html: `${base}/html`, attachment: (n) => `${base}/attachments/${n}` },
        [h('button.danger.quiet', { type: 'button', 'data-key': 'd', onclick: () => deleteOne(message) }, 'Delete')]));
  }

  search.addEventListener('input', () => attempt(refresh));
  const element = h('div.panes', { 'data-depth': 1 },
    h('section.pane.listing', { 'aria-label': 'Captured messages' },
      h('div.bar', null, search, h('button.quiet', { type: 'button', onclick: deleteAll }, 'Delete all')),
      h('div.bar.thin', null, summary), messages.element, more, nothing),
    detail);
  return { element, show, refresh, list: messages };
}

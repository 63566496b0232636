// What waits to be delivered: for whom, why it waits, and what can be done about it.

import { h, icon, size, time, attempt, confirm, count, empty, toast } from './dom.js';
import { get, post } from './api.js';
import { list } from './list.js';

const ACTIONS = {
  retry: ['Retry now', 'It is tried again now.', 'It was under way already.'],
  hold: ['Hold', 'It is held until it is released.', 'It was held already.'],
  release: ['Release', 'It is released.', 'It was not held.'],
  bounce: ['Return to sender', 'The sender gets a report.', 'Nobody was left to report about.'],
  remove: ['Remove', 'It is removed.', 'It was gone already.'],
};

const QUESTIONS = {
  remove: ['Remove this message?', 'It is not delivered to those who still wait for it, and the sender is not told.'],
  bounce: ['Return this message to its sender?', 'It is not delivered to those who still wait for it; the sender gets a report that says so.'],
};

const open = (recipient) => !['sent', 'failed', 'removed'].includes(recipient.state);

// In words: why this message is still here.
function why(entry) {
  if (entry.held) return 'held: waits until it is released';
  const waiting = entry.recipients.filter(open);
  if (waiting.some(({ state }) => state === 'sending')) return 'being sent';
  return waiting.find(({ status }) => status)?.status ?? 'waits for its first attempt';
}

function nextOf(entry) {
  return entry.recipients.filter(open).map((recipient) => recipient.next_attempt).filter(Boolean).sort()[0];
}

export function create(go) {
  const summary = h('span.summary', { role: 'status' });
  const nothing = h('div');
  const notice = h('div');
  const detail = h('section.pane.detail', { 'aria-label': 'Queued message' });
  const more = h('button.more', { type: 'button', hidden: true, onclick: () => { limit += 200; attempt(refresh); } }, 'Show more');
  let limit = 200;
  let shown = null;
  let drawn = '';

  const queue = list({
    label: 'Queue',
    key: (entry) => entry.id,
    open: (entry) => go('queue', entry.id),
    row: (entry) => [
      h('div.first', null, h('strong', null, entry.recipients.filter(open).map(({ address }) => address).join(', ') || entry.sender), time(entry.submitted)),
      h('div.second', null, entry.held ? [h('span.badge', null, 'held'), ' '] : '', entry.subject || '(no subject)'),
      h('div.third', null, h('span', null, why(entry))),
    ],
  });

  async function act(entry, action) {
    const question = QUESTIONS[action];
    if (question && !await confirm(question[0], question[1], ACTIONS[action][0])) return;
    await attempt(async () => {
      const { done } = await post(`/api/queue/${encodeURIComponent(entry.id)}`, { action });
      toast(ACTIONS[action][done ? 1 : 2]);
      await refresh();
    });
  }

  function button(entry, action) {
    const style = action === 'remove' ? 'button.danger' : 'button';
    return h(style, { type: 'button', 'data-action': action, onclick: () => act(entry, action) }, ACTIONS[action][0]);
  }

  function draw(entry) {
    const text = JSON.stringify(entry);
    if (text === drawn) return; // what is looked at is not drawn anew for nothing
    drawn = text;
    const focused = document.activeElement?.dataset?.action;
    const next = nextOf(entry);
    detail.replaceChildren(
      h('button.back', { type: 'button', onclick: () => go('queue') }, icon('back'), 'Queue'),
      h('article.message', { 'aria-label': entry.subject || '(no subject)' },
        h('header', null,
          h('div.title', null, h('h2', { tabindex: '-1' }, entry.subject || '(no subject)')),
          h('dl.facts', null,
            h('dt', null, 'Sender'), h('dd', null, entry.sender || 'nobody (a report)'),
            h('dt', null, 'Mailbox'), h('dd', null, entry.mailbox),
            h('dt', null, 'Submitted'), h('dd', null, time(entry.submitted), ` · ${size(entry.size)}`),
            h('dt', null, 'Why it waits'), h('dd.why', null, why(entry)),
            next && !entry.held ? [h('dt', null, 'Next attempt'), h('dd', null, time(next))] : null,
            entry.expires ? [h('dt', null, 'Given up'), h('dd', null, time(entry.expires))] : null,
            h('dt', null, 'Message-ID'), h('dd', null, h('code', null, entry.message_id)),
            h('dt', null, 'Queue id'), h('dd', null, h('code', null, entry.id)))),
        h('div.actions.wide', null, ['retry', entry.held ? 'release' : 'hold', 'bounce', 'remove'].map((action) => button(entry, action))),
        h('h3', null, count(entry.recipients.length, 'recipient')),
        h('div.scroll', null, h('table.recipients', null,
          h('thead', null, h('tr', null, ['Recipient', 'State', 'Attempts', 'Way', 'Last result'].map((name) => h('th', { scope: 'col' }, name)))),
          h('tbody', null, entry.recipients.map((recipient) => h('tr', null,
            h('td', null, recipient.address), h('td', null, h(`span.badge.${recipient.state}`, null, recipient.state)),
            h('td', null, recipient.attempts), h('td', null, recipient.relay || recipient.transport), h('td', null, recipient.status || '–'))))))));
    if (focused) detail.querySelector(`[data-action=${focused}]`)?.focus();
  }

  function drawNone(text) {
    drawn = '';
    detail.replaceChildren(h('button.back', { type: 'button', onclick: () => go('queue') }, icon('back'), 'Queue'), text);
  }

  async function load() {
    const entries = [];
    let page = { next: null };
    do {
      page = await get(`/api/queue?limit=200${page.next ? `&after=${page.next}` : ''}`);
      entries.push(...page.queue);
    } while (page.next && entries.length < limit);
    more.hidden = !page.next;
    return { entries, held: page.held };
  }

  async function refresh() {
    const { entries, held } = await load();
    queue.update(entries);
    summary.textContent = entries.length ? count(entries.length, 'message') + (more.hidden ? ' waiting' : ' shown') : '';
    notice.replaceChildren(held ? h('p.notice', null, 'The whole queue is held, as this store is a copy or was restored. ', h('code', null, 'ewsctl queue release --all'), ' lets it go.') : '');
    nothing.replaceChildren(entries.length ? '' : empty('The queue is empty', h('p', null, 'Mail that waits for a relay, or for another attempt, is listed here.')));
    element.classList.toggle('nothing', !entries.length && !shown);
    if (shown) {
      const entry = entries.find(({ id }) => id === shown);
      if (entry) draw(entry);
      else drawNone(empty('This message waits no more', h('p', null, 'It was delivered, returned or removed.')));
    }
  }

  async function show([id]) {
    shown = id ?? null;
    queue.choose(shown);
    element.dataset.depth = shown ? 2 : 1;
    if (!shown) {
      drawn = '';
      detail.replaceChildren(h('p.hint', null, 'Choose a message to see why it waits.'));
      return;
    }
    element.classList.remove('nothing');
    await attempt(refresh);
  }

  const element = h('div.panes', { 'data-depth': 1 },
    h('section.pane.listing', { 'aria-label': 'Queue' }, notice, h('div.bar.thin', null, h('h2', null, 'Queue'), summary), queue.element, more, nothing),
    detail);
  return { element, show, refresh, list: queue };
}

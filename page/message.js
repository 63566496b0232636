// One message, captured or in a mailbox: who and when, and its parts as tabs. Its HTML
// is shown only in a frame that may do nothing: no script, no form, no origin, no
// request (the sandbox attribute here, the Content-Security-Policy of its route).

import { h, icon, size, time, people, person, tabs, copyButton } from './dom.js';
import { getText } from './api.js';

let lastTab = 'html'; // the next message opens at the part that was looked at

function row(name, value) {
  return value ? [h('dt', null, name), h('dd', null, value)] : null;
}

// Whom the envelope has and no header names: recipients of Bcc.
function hidden(message) {
  const named = new Set([...message.to, ...message.cc].map(({ address }) => address.toLowerCase()));
  return (message.recipients ?? []).filter((address) => !named.has(address.toLowerCase())).join(', ');
}

function facts(message) {
  const from = message.from?.address ? person(message.from) : message.sender?.address ?? message.sender;
  const exact = message.date ?? message.sent ?? message.time;
  return h('dl.facts', null,
    row('From', from), row('To', people(message.to)), row('Cc', people(message.cc)),
    row('Bcc', message.bcc?.length ? people(message.bcc) : hidden(message)),
    row('Reply to', people(message.reply_to ?? [])),
    row('Date', [new Date(exact).toLocaleString('en', { dateStyle: 'medium', timeStyle: 'short' }), ' · ', time(exact)]));
}

function headersTable(headers) {
  return h('div.scroll', null, h('table.headers', null,
    h('tbody', null, headers.map(({ name, value }) => h('tr', null, h('th', { scope: 'row' }, name), h('td', null, value))))));
}

function attachments(message, urls) {
  return h('ul.attachments', null, message.attachments.map((part) => h('li', null,
    h('a', { href: urls.attachment(part.n), download: part.name || `attachment-${part.n}` }, icon('clip'),
      h('span', null, h('strong', null, part.name || '(no name)'), h('small', null, `${part.type} · ${size(part.size)}${part.inline ? ' · inline' : ''}`))))));
}

function source(text, url) {
  const shown = text.length > 400_000 ? `${text.slice(0, 400_000)}\n… (cut here: download it to see all)` : text;
  return [h('div.bar', null, h('a.button', { href: url, download: 'message.eml' }, icon('down'), 'Download .eml'), copyButton(text, 'the source')),
    h('pre.source', { tabindex: '0' }, shown)];
}

// urls: { raw, html, attachment(n) }; actions: buttons beside the subject.
export function messageView(message, urls, actions = []) {
  const list = [
    message.html !== null && { id: 'html', name: 'HTML', fill: () => h('iframe.mail', { sandbox: '', src: urls.html,
      title: 'The HTML of the message', referrerpolicy: 'no-referrer' }) },
    { id: 'text', name: 'Text', fill: () => h('pre.text', { tabindex: '0' }, message.text || '(no text)') },
    { id: 'source', name: 'Source', fill: async () => source(await getText(urls.raw), urls.raw) },
    { id: 'headers', name: `Headers`, fill: () => headersTable(message.headers) },
    message.attachments.length && { id: 'attachments', name: `Attachments (${message.attachments.length})`,
      fill: () => attachments(message, urls) },
  ].filter(Boolean);
  return h('article.message', { 'aria-label': message.subject || '(no subject)' },
    h('header', null,
      h('div.title', null, h('h2', { tabindex: '-1' }, message.subject || '(no subject)'), h('div.actions', null, actions)),
      facts(message)),
    tabs('message', list, lastTab, (id) => { lastTab = id; }));
}

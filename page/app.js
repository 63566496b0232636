// The frame: which view is shown (by the part of the address after #), the keys that
// work everywhere, live updates, and log-in where the server wants it.

import { h, icon, attempt, tickTimes } from './dom.js';
import { listen, loadSession, logOut, session, whenRefused } from './api.js';
import { create as login } from './login.js';
import { create as messages } from './messages.js';
import { create as mailboxes } from './mailboxes.js';
import { create as queue } from './queue.js';
import { create as requests } from './requests.js';
import { create as faults } from './faults.js';

const VIEWS = [
  { name: 'messages', title: 'Messages', key: 'm', icon: 'mail', create: messages, dev: true },
  { name: 'requests', title: 'Requests', key: 'r', icon: 'code', create: requests, dev: true },
  { name: 'faults', title: 'Faults', key: 'f', icon: 'fault', create: faults, dev: true },
  { name: 'mailboxes', title: 'Mailboxes', key: 'b', icon: 'box', create: mailboxes },
  { name: 'queue', title: 'Queue', key: 'q', icon: 'queue', create: queue },
];

const KEYS = [
  ['j or ↓, k or ↑', 'Next, previous'],
  ['Enter', 'Open'],
  ['Esc', 'Back'],
  ['/', 'Search'],
  ['← →', 'Parts of a message, on their tabs'],
  ['d', 'Delete what is shown'],
  ['?', 'These keys'],
];

const app = document.getElementById('app');
let views = [];
let current = null;
let stop = null; // ends the live updates

function goBy(method, parts) {
  const hash = `#/${parts.map(encodeURIComponent).join('/')}`;
  if (location.hash === hash) return;
  history[method](null, '', hash);
  route();
}

const replace = (...parts) => goBy('replaceState', parts);

function go(...parts) {
  // Going on from one entry of a list to the next leaves no trail behind.
  const now = location.hash.slice(2).split('/');
  goBy(now.length === parts.length && now[0] === parts[0] ? 'replaceState' : 'pushState', parts);
}

function route() {
  const [name, ...params] = location.hash.slice(2).split('/').filter(Boolean).map(decodeURIComponent);
  const view = views.find((one) => one.name === name) ?? views[0];
  const fresh = current !== view;
  current = view;
  view.made ??= view.create(go, replace);
  for (const other of views) other.link.setAttribute('aria-current', other === view ? 'page' : 'false');
  document.title = `${view.title} · ewsd`;
  if (fresh) {
    document.getElementById('main').replaceChildren(h('h1.hidden', null, view.title), view.made.element);
    attempt(() => view.made.refresh());
  }
  attempt(() => view.made.show(params));
}

function back() {
  const parts = location.hash.slice(2).split('/').filter(Boolean).map(decodeURIComponent);
  if (parts.length < 2) return;
  go(...parts.slice(0, -1));
  current.made.list.focusChosen();
}

function help() {
  const row = ([keys, what]) => h('tr', null, h('th', { scope: 'row' }, keys.split(' ').map((word) => [word === 'or' ? ' or ' : h('kbd', null, word.replace(',', '')), word.endsWith(',') ? ', ' : ' '])), h('td', null, what));
  const dialog = h('dialog.keys', { 'aria-labelledby': 'keys-title', onclose: () => dialog.remove() },
    h('h2', { id: 'keys-title' }, 'Keys'),
    h('table', null, h('tbody', null, KEYS.map(row), views.map((view) => row([`g ${view.key}`, view.title])))),
    h('div.actions', null, h('button', { type: 'button', autofocus: true, onclick: () => dialog.close() }, 'Close')));
  document.body.append(dialog);
  dialog.showModal();
}

let goes = false; // g was pressed, and the next key says where
function onKey(event) {
  const typing = event.target.closest('input, textarea, select');
  if (event.ctrlKey || event.altKey || event.metaKey || document.querySelector('dialog[open]') || !current) return;
  if (event.key === 'Escape') {
    if (typing) typing.blur();
    else back();
    return;
  }
  if (typing) {
    if (event.key === 'ArrowDown' && typing.type === 'search') {
      event.preventDefault();
      current.made.list.focusChosen();
    }
    return;
  }
  const wanted = goes && views.find((view) => view.key === event.key);
  goes = event.key === 'g';
  if (wanted) go(wanted.name);
  else if (event.key === '?') help();
  else if (event.key === '/') current.made.element.querySelector('[data-search]')?.focus();
  else if (event.key === 'j') current.made.list.move(1);
  else if (event.key === 'k') current.made.list.move(-1);
  else if (event.key === 'd') current.made.element.querySelector('button[data-key=d]')?.click();
  else return;
  event.preventDefault();
}

function frame() {
  const live = h('span.live', { role: 'status' }, 'connecting');
  views = VIEWS.filter((view) => !view.dev || session.kind === 'dev').map((view) => ({ ...view,
    link: h('a', { href: `#/${view.name}`, title: `${view.title} (g ${view.key})` }, icon(view.icon), h('span', null, view.title)) }));
  current = null;
  app.replaceChildren(
    h('header.top', null,
      h('a.brand', { href: '#/' }, h('img', { src: '/page/icon.svg', alt: '', width: 24, height: 24 }), h('span', null, 'ewsd')),
      h('nav', { 'aria-label': 'Views' }, views.map((view) => view.link)),
      h('div.foot', null, live, h('button.quiet', { type: 'button', 'aria-label': 'Keys', title: 'Keys (?)', onclick: help }, h('kbd', null, '?')),
        session.kind === 'admin' ? h('button.quiet.logout', { type: 'button', title: `Logged in as ${session.user}`, onclick: () => attempt(async () => { await logOut(); start(); }) }, 'Log out') : null)),
    h('main', { id: 'main', tabindex: '-1' }));
  stop?.abort();
  stop = new AbortController();
  listen(() => attempt(() => current.made.refresh()), (there) => {
    live.textContent = there ? 'live' : 'offline';
    live.className = there ? 'live on' : 'live off';
    live.title = there ? 'Changes show up by themselves' : 'The server does not answer; this page tries again';
  }, stop.signal);
  route();
}

async function start() {
  stop?.abort();
  current = null;
  await attempt(loadSession);
  if (session.kind === 'admin' && !session.user) {
    document.title = 'Log in · ewsd';
    app.replaceChildren(login(frame));
    app.querySelector('input')?.focus();
  } else {
    frame();
  }
}

whenRefused(start);
document.querySelector('.skip').addEventListener('click', (event) => {
  event.preventDefault(); // what follows # says which view is shown
  document.getElementById('main')?.focus();
});
addEventListener('popstate', () => current && route());
addEventListener('hashchange', () => current && route());
document.addEventListener('keydown', onKey);
setInterval(tickTimes, 20_000);
start();

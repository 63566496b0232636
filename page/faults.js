// Faults on demand: the rules that there are, whom they struck, and an end to them.

import { h, icon, attempt, confirm, count, empty, toast } from './dom.js';
import { get, remove } from './api.js';
import { list } from './list.js';

const WHEN = { call: (n) => `request ${n} alone`, every: (n) => `one request of ${n}`, first: (n) => `the first ${count(n, 'request')}` };
const FIELDS = { text: 'Text', header: 'Header', retry_after: 'Retry-After', delay: 'Delay in ms' };

// In words: which requests a rule strikes.
function which(rule) {
  const key = Object.keys(WHEN).find((name) => rule[name]);
  return key ? WHEN[key](rule[key]) : 'each request';
}

export function create(go) {
  const summary = h('span.summary', { role: 'status' });
  const nothing = h('div');
  const detail = h('section.pane.detail', { 'aria-label': 'Fault' });
  const all = h('button.quiet', { type: 'button', onclick: forget }, 'Delete all');
  let rules = [];
  let shown = null;

  const faults = list({
    label: 'Faults',
    key: (rule) => rule.id,
    open: (rule) => go('faults', rule.id),
    row: (rule) => [
      h('div.first', null, h('strong', null, rule.do), h('span', null, rule.op || 'any operation')),
      h('div.second', null, which(rule)),
      h('div.third', null, h('span', null, rule.user || 'anybody'), h('span', null, `struck ${rule.matched} of ${rule.calls}`)),
    ],
  });

  async function end(path, said) {
    await attempt(async () => {
      await remove(path);
      toast(said);
      go('faults');
      await refresh();
    });
  }

  async function forget() {
    if (await confirm('Delete all faults?', 'Requests are answered as usual from then on.', 'Delete all')) await end('/dev/faults', 'There are no faults any more.');
  }

  function draw(rule) {
    const back = h('button.back', { type: 'button', onclick: () => go('faults') }, icon('back'), 'Faults');
    if (!rule) {
      detail.replaceChildren(back, empty('This fault is gone', h('p', null, 'It was deleted, or all there was has been reset.')));
      return;
    }
    detail.replaceChildren(back,
      h('article.message', { 'aria-label': rule.do },
        h('header', null,
          h('div.title', null, h('h2', { tabindex: '-1' }, rule.do), h('div.actions', null,
            h('button.danger', { type: 'button', 'data-key': 'd', onclick: () => end(`/dev/faults/${rule.id}`, 'The fault is deleted.') }, 'Delete'))),
          h('dl.facts', null,
            h('dt', null, 'Operation'), h('dd', null, rule.op || 'any'),
            h('dt', null, 'User'), h('dd', null, rule.user || 'anybody'),
            h('dt', null, 'Strikes'), h('dd', null, which(rule)),
            h('dt', null, 'Struck'), h('dd.struck', null, `${rule.matched} of ${count(rule.calls, 'request')} that fitted`),
            Object.keys(FIELDS).filter((name) => rule[name] !== undefined && rule[name] !== null).map((name) => [h('dt', null, FIELDS[name]), h('dd', null, rule[name])]),
            h('dt', null, 'Id'), h('dd', null, h('code', null, rule.id))))));
  }

  async function refresh() {
    rules = (await get('/dev/faults')).faults;
    faults.update(rules);
    all.hidden = !rules.length;
    summary.textContent = rules.length ? count(rules.length, 'fault') : '';
    nothing.replaceChildren(rules.length ? '' : empty('No faults', h('p', null, 'Requests are answered as they should be. ',
      h('code', null, '--fault list'), ' says what can go wrong on demand, by ', h('code', null, '--fault'), ' or POST /dev/faults.')));
    element.classList.toggle('nothing', !rules.length && !shown);
    if (shown) draw(rules.find(({ id }) => String(id) === shown));
  }

  async function show([id]) {
    shown = id ?? null;
    faults.choose(shown);
    element.dataset.depth = shown ? 2 : 1;
    if (!shown) {
      detail.replaceChildren(h('p.hint', null, 'Choose a fault to see what it does.'));
      return;
    }
    element.classList.remove('nothing');
    await attempt(refresh);
  }

  const element = h('div.panes', { 'data-depth': 1 },
    h('section.pane.listing', { 'aria-label': 'Faults' }, h('div.bar.thin', null, h('h2', null, 'Faults'), summary, all), faults.element, nothing),
    detail);
  return { element, show, refresh, list: faults };
}

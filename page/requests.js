// The request log: what clients asked by SOAP and what they were answered, with what
// a linter for EWS says of it, written at its place in the source.

import { h, icon, size, time, attempt, confirm, copyButton, count, empty, tabs, toast } from './dom.js';
import { get, remove } from './api.js';
import { list } from './list.js';
import { note, xml } from './xml.js';

const PAGE = 100;
let pretty = true; // for all requests, as it was last chosen
let lastTab = 'request';

const bad = (entry) => entry.status >= 400 || entry.codes.some((code) => code !== 'NoError');

const operation = (entry) => entry.op || '(unreadable)';

function codes(entry) {
  return entry.codes.map((code) => h(`span.badge${code === 'NoError' ? '.sent' : '.failed'}`, null, code));
}

function bodyTab(body, findings, label) {
  if (!body.text) return h('p.hint', null, 'There was no body.');
  const view = h('div');
  const draw = () => view.replaceChildren(xml(body.text, findings, pretty, label));
  const formatted = h('button.toggle', { type: 'button', 'aria-pressed': pretty, onclick: () => {
    pretty = !pretty;
    formatted.setAttribute('aria-pressed', pretty);
    draw();
  } }, 'Formatted');
  draw();
  return [
    h('div.bar', null, formatted, h('span.summary', null, size(body.size) + (body.cut ? ', only the beginning is kept' : '')), copyButton(body.text, label)),
    view];
}

function headers(request) {
  const table = (title, rows) => [h('h3', null, title), h('div.scroll', null, h('table.headers', null, h('tbody', null,
    rows.map(({ name, value }) => h('tr', null, h('th', { scope: 'row' }, name), h('td', null, value))))))];
  return h('div', null, table('Request', request.request_headers), table('Answer', request.answer_headers));
}

function verdict(request) {
  const n = request.findings.length;
  const worst = ['error', 'warning', 'note'].find((severity) => request.findings.some((finding) => finding.severity === severity));
  if (!n) return h('p.verdict.fine', null, icon('check'), request.request.cut ? 'Too long to be checked as a whole.' : 'The request is as the schema wants it.');
  return h(`p.verdict.${worst}`, null, `${count(n, 'finding')}: see ${n === 1 ? 'its place' : 'their places'} in the request.`);
}

export function create(go) {
  const search = h('input', { type: 'search', placeholder: 'Operation, as SendItem', 'aria-label': 'Only this operation', 'data-search': true });
  const problems = h('button.toggle', { type: 'button', 'aria-pressed': 'false', onclick: () => {
    problems.setAttribute('aria-pressed', problems.getAttribute('aria-pressed') !== 'true');
    attempt(refresh);
  } }, 'Only problems');
  const summary = h('span.summary', { role: 'status' });
  const nothing = h('div');
  const detail = h('section.pane.detail', { 'aria-label': 'Request' });
  const more = h('button.more', { type: 'button', hidden: true, onclick: () => { limit += PAGE; attempt(refresh); } }, 'Show more');
  let limit = PAGE;
  let shown = null;
  let asked = 0;

  const requests = list({
    label: 'Requests',
    key: (entry) => entry.id,
    open: (entry) => go('requests', entry.id),
    className: (entry) => bad(entry) ? 'bad' : '',
    row: (entry) => [
      h('div.first', null, h('strong', null, operation(entry)), time(entry.time)),
      h('div.second', null, h(`span.badge${entry.status < 400 ? '' : '.failed'}`, null, entry.status), ' ', codes(entry)),
      h('div.third', null, h('span', null, entry.user || 'nobody'), h('span', null, `${entry.ms} ms · ${size(entry.answer_size)}`)),
    ],
  });

  async function refresh() {
    const mine = ++asked;
    const op = search.value.trim();
    const page = await get(`/dev/requests?order=newest&limit=${Math.min(limit, 1000)}${op ? `&op=${encodeURIComponent(op)}` : ''}`);
    if (mine !== asked) return;
    const only = problems.getAttribute('aria-pressed') === 'true';
    const entries = only ? page.requests.filter(bad) : page.requests;
    more.hidden = page.requests.length < limit || limit >= 1000;
    requests.update(entries);
    summary.textContent = entries.length ? count(entries.length, 'request') + (page.dropped ? `, ${page.dropped} older ones forgotten` : '') : '';
    nothing.replaceChildren(entries.length ? '' : op || only ? empty('No request is like that')
      : page.on ? empty('No requests yet', h('p', null, 'Every SOAP request and its answer is listed here, with what is wrong with it.'))
        : empty('The request log is off', h('p', null, 'It is on unless ', h('code', null, '--set dev.request_log=0'), ' was given.')));
    element.classList.toggle('nothing', !entries.length && !op && !only && !shown);
  }

  async function forget() {
    if (!await confirm('Forget all requests?', 'Only the log is emptied. What the requests did stays done.', 'Forget all')) return;
    await attempt(async () => {
      const { deleted } = await remove('/dev/requests');
      toast(`${count(deleted, 'request')} forgotten.`);
      go('requests');
      await refresh();
    });
  }

  function draw(request) {
    const inHeaders = request.findings.filter((finding) => !finding.line);
    detail.replaceChildren(
      h('button.back', { type: 'button', onclick: () => go('requests') }, icon('back'), 'Requests'),
      h('article.message', { 'aria-label': operation(request) },
        h('header', null,
          h('div.title', null, h('h2', { tabindex: '-1' }, operation(request)), h('div.actions', null, h('span.badge', null, `HTTP ${request.status}`), codes(request))),
          h('dl.facts', null,
            h('dt', null, 'User'), h('dd', null, request.user || 'nobody'),
            h('dt', null, 'Asked'), h('dd', null, time(request.time), ` · took ${request.ms} ms`),
            h('dt', null, 'Path'), h('dd', null, h('code', null, `${request.method} ${request.path}`)),
            h('dt', null, 'request-id'), h('dd', null, h('code', null, request.request_id), copyButton(request.request_id, 'the request-id'))),
          verdict(request), inHeaders.map(note)),
        tabs('request', [
          { id: 'request', name: 'Request', fill: () => bodyTab(request.request, request.findings, 'Request') },
          { id: 'answer', name: 'Answer', fill: () => bodyTab(request.answer, [], 'Answer') },
          { id: 'headers', name: 'Headers', fill: () => headers(request) },
        ], lastTab, (id) => { lastTab = id; })));
  }

  async function show([id]) {
    shown = id ?? null;
    requests.choose(shown);
    element.dataset.depth = shown ? 2 : 1;
    if (!shown) {
      detail.replaceChildren(h('p.hint', null, 'Choose a request to see it with its answer.'));
      return;
    }
    element.classList.remove('nothing');
    const request = await get(`/dev/requests/${encodeURIComponent(id)}`).catch((error) => error);
    if (shown !== id) return;
    if (request instanceof Error) detail.replaceChildren(empty('This request is not here', h('p', null, request.message)));
    else draw(request);
  }

  search.addEventListener('input', () => attempt(refresh));
  const element = h('div.panes', { 'data-depth': 1 },
    h('section.pane.listing', { 'aria-label': 'Requests' },
      h('div.bar', null, search, problems),
      h('div.bar.thin', null, summary, h('button.quiet', { type: 'button', onclick: forget }, 'Forget all')),
      requests.element, more, nothing),
    detail);
  return { element, show, refresh, list: requests };
}

// Making elements, and the small things that all views share: words for times and
// sizes, copy buttons, toasts, questions. Data becomes text nodes and attributes;
// nothing here parses markup, so nothing that is shown can be any.

const SVG = 'http://www.w3.org/2000/svg';

// h('button.quiet', { type: 'button', onclick: f }, 'Text', element, null, [more])
export function h(name, attributes, ...children) {
  const [tag, ...classes] = name.split('.');
  const element = document.createElement(tag);
  if (classes.length) element.className = classes.join(' ');
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || (value === false && !key.startsWith('aria-'))) continue;
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true && !key.startsWith('aria-') ? '' : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const icons = {
  mail: 'M4 6h16v12H4zM4 7l8 6 8-6',
  box: 'M4 13l2.5-8h11L20 13v6H4zM4 13h5l1 2h4l1-2h5',
  queue: 'M12 7v5l3 2M12 4a8 8 0 1 1 0 16 8 8 0 0 1 0-16z',
  code: 'M9 8l-4 4 4 4M15 8l4 4-4 4',
  fault: 'M13 4L6 13h5l-1 7 7-9h-5z',
  copy: 'M9 9h10v10H9zM15 9V5H5v10h4',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  back: 'M15 6l-6 6 6 6',
  clip: 'M18 11l-6.5 6.5a3.5 3.5 0 0 1-5-5L13 6a2.3 2.3 0 0 1 3.3 3.3l-6.3 6.2a1 1 0 0 1-1.5-1.5L14 8.5',
  lock: 'M7 11h10v8H7zM9 11V8a3 3 0 0 1 6 0v3',
  folder: 'M4 6h6l2 2h8v10H4z',
  down: 'M12 5v10M8 11l4 4 4-4M5 19h14',
};

export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  const path = document.createElementNS(SVG, 'path');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  path.setAttribute('d', icons[name]);
  svg.append(path);
  return svg;
}

export function size(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  const step = bytes < 999_500 ? ['kB', 1000] : bytes < 999_500_000 ? ['MB', 1e6] : ['GB', 1e9];
  const value = bytes / step[1];
  return `${value < 9.95 ? value.toFixed(1) : Math.round(value)} ${step[0]}`;
}

export function count(n, one, many = `${one}s`) {
  return `${n.toLocaleString('en')} ${n === 1 ? one : many}`;
}

function distance(then, now) {
  const seconds = Math.round((now - then) / 1000);
  const past = Math.abs(seconds);
  const words = past < 45 ? null : past < 3570 ? `${Math.round(past / 60)} min` : past < 84_600 ? `${Math.round(past / 3600)} h` : null;
  if (past < 45) return seconds < -5 ? 'in a moment' : 'just now';
  if (words) return seconds < 0 ? `in ${words}` : `${words} ago`;
  const sameYear = then.getFullYear() === now.getFullYear();
  return then.toLocaleDateString('en', { day: 'numeric', month: 'short', year: sameYear ? undefined : 'numeric' });
}

// A moment as people say it; the exact one is its title. tickTimes keeps it true.
export function time(text, attributes) {
  if (!text) return null;
  const then = new Date(text);
  return h('time', { datetime: text, title: then.toLocaleString('en', { dateStyle: 'full', timeStyle: 'long' }), ...attributes },
    distance(then, new Date()));
}

export function tickTimes() {
  const now = new Date();
  for (const element of document.querySelectorAll('time')) {
    const text = distance(new Date(element.dateTime), now);
    if (element.textContent !== text) element.textContent = text;
  }
}

export function person({ name, address }) {
  return name && name !== address ? `${name} <${address}>` : address;
}

export function people(list) {
  return list.map(person).join(', ');
}

export function toast(text, kind = 'good') {
  const element = h(`div.toast.${kind}`, null, h('span', null, text),
    h('button.quiet', { type: 'button', 'aria-label': 'Close this notice', onclick: () => element.remove() }, '×'));
  document.getElementById('toasts').append(element);
  if (kind === 'good') setTimeout(() => element.remove(), 5000);
}

// Runs what may fail, and says so.
export async function attempt(work) {
  try {
    return await work();
  } catch (error) {
    if (error.name !== 'AbortError') toast(error.message, 'bad');
    return undefined;
  }
}

async function copyText(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = h('textarea', { 'aria-hidden': 'true' }); // not a secure context: the old way
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand('copy');
  area.remove();
  return undefined;
}

export function copyButton(text, what) {
  const button = h('button.quiet.copy', { type: 'button', 'aria-label': `Copy ${what}`, title: `Copy ${what}` }, icon('copy'));
  button.addEventListener('click', () => attempt(async () => {
    await copyText(text);
    button.replaceChildren(icon('check'));
    button.classList.add('done');
    setTimeout(() => { button.replaceChildren(icon('copy')); button.classList.remove('done'); }, 1500);
  }));
  return button;
}

// A modal question; true when it was confirmed.
export function confirm(question, detail, action) {
  return new Promise((resolve) => {
    const dialog = h('dialog.ask', { 'aria-labelledby': 'ask-title' },
      h('h2', { id: 'ask-title' }, question), h('p', null, detail),
      h('div.actions', null,
        h('button', { type: 'button', autofocus: true, onclick: () => dialog.close() }, 'Cancel'),
        h('button.danger', { type: 'button', onclick: () => dialog.close('yes') }, action)));
    dialog.addEventListener('close', () => { dialog.remove(); resolve(dialog.returnValue === 'yes'); });
    document.body.append(dialog);
    dialog.showModal();
  });
}

export function empty(title, ...text) {
  return h('div.empty', null, h('h2', null, title), ...text);
}

// Tabs by the ARIA pattern: arrows move, one panel is filled when it is looked at.
// Each tab: { id, name, fill() -> element or promise of one }.
export function tabs(label, list, chosen, onchange) {
  const panel = h('div.panel', { role: 'tabpanel', tabindex: '0', id: `panel-${label}` });
  const buttons = list.map((tab) => h('button', { type: 'button', role: 'tab', id: `tab-${label}-${tab.id}`, 'aria-controls': panel.id,
    onclick: () => choose(tab) }, tab.name));
  let current;
  async function choose(tab) {
    current = tab;
    list.forEach((other, i) => {
      buttons[i].setAttribute('aria-selected', other === tab);
      buttons[i].tabIndex = other === tab ? 0 : -1;
    });
    panel.setAttribute('aria-labelledby', `tab-${label}-${tab.id}`);
    onchange(tab.id);
    const content = await attempt(() => tab.fill());
    if (current === tab) panel.replaceChildren(...[content].flat().filter(Boolean));
  }
  const bar = h('div.tabs', { role: 'tablist', 'aria-label': 'Parts', onkeydown: (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const next = (list.indexOf(current) + step + list.length) % list.length;
    choose(list[next]);
    buttons[next].focus();
  } }, buttons);
  choose(list.find((tab) => tab.id === chosen) ?? list[0]);
  return [bar, panel];
}

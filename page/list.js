// A list that keys move through (a listbox with a roving tabindex). Rows are kept
// by their key, so that an update neither moves the focus nor draws all anew.

import { h } from './dom.js';

// options: label; key(entry); row(entry) -> children; open(entry); className(entry)
export function list(options) {
  const element = h('ul.list', { role: 'listbox', 'aria-label': options.label });
  const rows = new Map(); // key -> { entry, text, row }
  let chosen = null;

  function roving() {
    const all = [...element.children];
    const stop = all.find((row) => row.dataset.key === chosen) ?? all.find((row) => row === document.activeElement) ?? all[0];
    for (const row of all) {
      row.tabIndex = row === stop ? 0 : -1;
      row.setAttribute('aria-selected', row.dataset.key === chosen);
    }
  }

  function rowOf(entry) {
    const key = String(options.key(entry));
    const text = JSON.stringify(entry);
    const old = rows.get(key);
    if (old?.text === text) return old.row;
    const row = old?.row ?? h('li', { role: 'option', 'data-key': key });
    row.className = options.className?.(entry) ?? '';
    row.replaceChildren(...options.row(entry).filter(Boolean));
    rows.set(key, { entry, text, row });
    return row;
  }

  function update(entries) {
    const wanted = entries.map(rowOf);
    const keep = new Set(wanted);
    for (const [key, { row }] of rows) {
      if (keep.has(row)) continue;
      row.remove();
      rows.delete(key);
    }
    wanted.forEach((row, i) => {
      if (element.children[i] !== row) element.insertBefore(row, element.children[i] ?? null);
    });
    roving();
  }

  function open(row) {
    const entry = rows.get(row.dataset.key)?.entry;
    if (entry) options.open(entry);
  }

  // Where there is room for both, what is moved to is shown.
  function move(step) {
    const all = [...element.children];
    if (!all.length) return;
    const from = all.findIndex((row) => row.tabIndex === 0);
    const inside = element.contains(document.activeElement) || chosen !== null;
    const to = step === 'first' ? 0 : step === 'last' ? all.length - 1 : inside ? from + step : 0;
    const row = all[Math.max(0, Math.min(all.length - 1, to))];
    for (const other of all) other.tabIndex = other === row ? 0 : -1;
    row.focus();
    row.scrollIntoView({ block: 'nearest' });
    if (matchMedia('(min-width: 900px)').matches) open(row);
  }

  const keys = { ArrowDown: 1, ArrowUp: -1, Home: 'first', End: 'last' };
  element.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (keys[event.key]) {
      event.preventDefault();
      move(keys[event.key]);
    } else if ((event.key === 'Enter' || event.key === ' ') && event.target.matches('[role=option]')) {
      event.preventDefault();
      open(event.target);
    }
  });
  element.addEventListener('click', (event) => {
    const row = event.target.closest('[role=option]');
    if (row) open(row);
  });

  return {
    element, update, move,
    choose(key) {
      chosen = key === null || key === undefined ? null : String(key);
      roving();
      element.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest' });
    },
    focusChosen() {
      (element.querySelector('[tabindex="0"]') ?? element.firstElementChild)?.focus();
    },
  };
}

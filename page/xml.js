// XML as people read it: coloured, with line numbers, indented or as it was sent, and
// with what a linter found written below the line where it is. Broken XML is shown as
// far as it can be read, and then as it is.

import { h } from './dom.js';

const TOKEN = /<!--[^]*?-->|<\?[^]*?\?>|<!\[CDATA\[[^]*?\]\]>|<\/[^<>]*>|<[^<>"'!?]+(?:"[^"]*"[^<>"']*|'[^']*'[^<>"']*)*>|[^<]+/y;
const ATTRIBUTE = /([^\s=]+)(\s*=\s*)("[^"]*"|'[^']*')/g;
const LINES_AT_FIRST = 3000;

// [{ kind: open, close, empty, text, other or broken; text; from }]
function tokensOf(text) {
  const tokens = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const from = TOKEN.lastIndex;
    const found = TOKEN.exec(text)?.[0];
    if (!found) {
      tokens.push({ kind: 'broken', text: text.slice(from), from });
      break;
    }
    const kind = found[0] !== '<' ? 'text' : found[1] === '/' ? 'close' : found[1] === '!' || found[1] === '?' ? 'other'
      : found.endsWith('/>') ? 'empty' : 'open';
    tokens.push({ kind, text: found, from });
  }
  return tokens;
}

// The pieces of a token that have colours of their own.
function partsOf({ kind, text }) {
  if (kind !== 'open' && kind !== 'empty' && kind !== 'close') return [{ kind, text }];
  const [head] = /^<\/?[^\s/>]*/.exec(text);
  const parts = [{ kind: 'tag', text: head }];
  let at = head.length;
  ATTRIBUTE.lastIndex = at;
  for (let found = ATTRIBUTE.exec(text); found; found = ATTRIBUTE.exec(text)) {
    parts.push({ kind: 'tag', text: text.slice(at, found.index) }, { kind: 'attribute', text: found[1] },
      { kind: 'tag', text: found[2] }, { kind: 'value', text: found[3] });
    at = ATTRIBUTE.lastIndex;
  }
  parts.push({ kind: 'tag', text: text.slice(at) });
  return parts.filter((part) => part.text);
}

// Lines of tokens, each with its depth: an element that holds only text is one line.
function indented(tokens) {
  const lines = [];
  let depth = 0;
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i];
    if (token.kind === 'text' && !token.text.trim()) continue;
    if (token.kind === 'close') depth = Math.max(0, depth - 1);
    const [second, third] = [tokens[i + 1], tokens[i + 2]];
    let line = [token];
    if (token.kind === 'open' && second?.kind === 'close') line = [token, second];
    else if (token.kind === 'open' && second?.kind === 'text' && third?.kind === 'close') line = [token, second, third];
    else if (token.kind === 'text') line = [{ ...token, text: token.text.trim() }];
    lines.push({ depth, tokens: line });
    i += line.length - 1;
    if (token.kind === 'open' && line.length === 1) depth++;
  }
  return lines;
}

// Lines as they were sent: tokens cut at the ends of lines.
function asSent(tokens) {
  const lines = [{ depth: 0, tokens: [] }];
  for (const token of tokens) {
    for (const [i, text] of token.text.split('\n').entries()) {
      if (i) lines.push({ depth: 0, tokens: [] });
      if (text) lines.at(-1).tokens.push({ ...token, kind: i || text !== token.text ? 'text' : token.kind, text, whole: token });
    }
  }
  return lines;
}

// The token that is at a line and column of the text, both from 1.
function tokenAt(text, tokens, { line, column }) {
  let start = 0;
  for (let n = 1; n < line; n++) {
    const end = text.indexOf('\n', start);
    if (end < 0) return tokens.at(-1);
    start = end + 1;
  }
  const offset = Math.min(start + Math.max(column, 1) - 1, text.length - 1);
  return tokens.findLast((token) => token.from <= offset);
}

function lineElement(line, number, found) {
  const marked = new Set(found.map((finding) => finding.token));
  const row = h('div.line', { 'data-n': number }, ' '.repeat(2 * line.depth),
    line.tokens.map((token) => h(marked.has(token.whole ?? token) || [...marked].some((other) => other.from === token.from) ? 'mark' : 'span', null,
      partsOf(token).map((part) => h(`span.x-${part.kind}`, null, part.text)))));
  if (!line.tokens.length) row.append('\u200b');
  return [row, found.map(({ finding }) => note(finding))];
}

export function note(finding) {
  const place = finding.line ? `line ${finding.line}, column ${finding.column}` : 'in the headers';
  return h(`div.finding.${finding.severity}`, { 'data-line': finding.line, 'data-column': finding.column },
    h('strong', null, finding.severity), ' ', h('span.rule', null, finding.rule), ` ${place}`, h('p', null, finding.message));
}

// An element that shows text. findings: [{ line, column, severity, rule, message }].
export function xml(text, findings, pretty, label) {
  const tokens = tokensOf(text);
  const placed = findings.filter((finding) => finding.line > 0).map((finding) => ({ finding, token: tokenAt(text, tokens, finding) }));
  const lines = pretty ? indented(tokens) : asSent(tokens);
  const element = h('div.xml', { role: 'region', 'aria-label': label, tabindex: '0' });
  const waiting = new Set(placed);
  function add(from, to) {
    for (let i = from; i < Math.min(to, lines.length); i++) {
      const line = lines[i];
      const here = [...waiting].filter(({ token }) => line.tokens.some((one) => one.from === token?.from));
      here.forEach((one) => waiting.delete(one));
      element.append(...lineElement(line, i + 1, here).flat());
    }
    if (to < lines.length) {
      const more = h('button', { type: 'button', onclick: () => { more.remove(); add(to, Infinity); } }, `Show ${lines.length - to} more lines`);
      element.append(more);
    }
  }
  add(0, LINES_AT_FIRST);
  element.append(...[...waiting].map(({ finding }) => note(finding)));
  return element;
}

// Calls to the server, and who we are there. Errors come out with a message for
// people: what is wrong and what to do.

const TOKEN = 'ewsd-token'; // proves that a change comes from this page; given at log-in

export const session = { kind: 'dev', user: null };
const IDLE_MS = 60_000;
let refused = () => {};
let lastUse = Date.now();
for (const kind of ['keydown', 'pointerdown']) addEventListener(kind, () => { lastUse = Date.now(); }, true);

// f is called when the server no longer knows us.
export function whenRefused(f) {
  refused = f;
}

function failure(status, message) {
  return Object.assign(new Error(message), { status });
}

async function reasonOf(response) {
  const text = await response.text();
  try {
    return JSON.parse(text).error.message;
  } catch {
    return text.trim().slice(0, 300) || `The server answered ${response.status}.`;
  }
}

async function ask(method, path, { body, signal, headers, idle = Date.now() - lastUse > IDLE_MS } = {}) {
  const options = { method, signal, headers: { ...headers }, credentials: 'same-origin', cache: 'no-store' };
  if (idle) options.headers['X-Ewsd-Idle'] = '1'; // so a log-in ends that nobody uses
  if (method !== 'GET') options.headers['X-Ewsd-Token'] = localStorage.getItem(TOKEN) ?? 'none';
  if (body !== undefined) {
    options.headers['Content-Type'] = 'application/json';
    options.body = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw failure(0, 'The server does not answer. Is it still running?');
  }
  if (response.ok) return response;
  const error = failure(response.status, await reasonOf(response));
  if (response.status === 401 && session.user) {
    session.user = null;
    refused();
  }
  throw error;
}

export async function get(path, signal) {
  return (await ask('GET', path, { signal })).json();
}

export async function getText(path, signal) {
  return (await ask('GET', path, { signal })).text();
}

export async function post(path, body) {
  return (await ask('POST', path, { body })).json();
}

export async function remove(path) {
  return (await ask('DELETE', path)).json();
}

export async function loadSession() {
  Object.assign(session, await get('/api/session'));
}

function base64(text) {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

export async function logIn(user, password) {
  const headers = { Authorization: `Basic ${base64(`${user}:${password}`)}` };
  const answer = await (await ask('POST', '/api/session', { body: {}, headers })).json();
  localStorage.setItem(TOKEN, answer.token);
  await loadSession();
}

export async function logOut() {
  await remove('/api/session');
  localStorage.removeItem(TOKEN);
  session.user = null;
}

// Calls changed() whenever something may have; state(true or false) says whether the
// server is there. Ends with the signal.
export async function listen(changed, state, signal) {
  let after;
  let patience = 500;
  while (!signal.aborted) {
    try {
      const answer = await ask('GET', after === undefined ? '/api/events' : `/api/events?after=${after}&wait=25`, { signal, idle: true });
      const { now } = await answer.json();
      patience = 500;
      state(true);
      if (after !== now) changed();
      after = now;
    } catch (error) {
      if (error.name === 'AbortError' || error.status === 401) return;
      state(false);
      after = undefined; // another server may have come, which counts anew
      await new Promise((resolve) => { setTimeout(resolve, patience); });
      patience = Math.min(patience * 2, 10_000);
    }
  }
}

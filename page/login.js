// The log-in of the admin listener.

import { h } from './dom.js';
import { logIn, session } from './api.js';

// done() is called once we are known.
export function create(done) {
  const user = h('input', { id: 'user', name: 'username', type: 'text', inputmode: 'email', autocomplete: 'username', autocapitalize: 'none', required: true, autofocus: true });
  const password = h('input', { id: 'password', name: 'password', type: 'password', autocomplete: 'current-password', required: true });
  const problem = h('p.problem', { role: 'alert' });
  const button = h('button.primary', { type: 'submit' }, 'Log in');

  async function submit(event) {
    event.preventDefault();
    problem.textContent = '';
    button.disabled = true;
    try {
      await logIn(user.value.trim(), password.value);
      done();
    } catch (error) {
      problem.textContent = error.status === 401 ? 'User name or password is wrong.' : error.message;
      password.value = '';
      password.focus();
    } finally {
      button.disabled = false;
    }
  }

  return h('main.login', { id: 'main' }, h('form', { onsubmit: submit },
    h('img', { src: '/page/icon.svg', alt: '', width: 40, height: 40 }), h('h1', null, 'ewsd'),
    session.open ? [
      h('p', null, 'For who runs this server.'),
      h('label', { for: 'user' }, 'Address'), user, h('label', { for: 'password' }, 'Password of the mailbox'), password, problem, button]
      : [h('p', null, 'Nobody may log in here yet. Name the mailboxes that may, and start the server again:'),
        h('pre', null, '[admin]\nusers = you@example.com')]));
}

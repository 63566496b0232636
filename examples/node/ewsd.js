/* `ewsd dev` for tests: started, asked for what is not EWS, and ended. */
'use strict';

const { spawn } = require('node:child_process');
const readline = require('node:readline');

class Mail {
  static async start() {
    const mail = new Mail();
    mail.process = spawn(process.env.EWSD || 'ewsd', ['dev', '--listen', '127.0.0.1:0', '--with-parent'],
                         { stdio: ['pipe', 'pipe', 'ignore'] });
    const lines = readline.createInterface({ input: mail.process.stdout });
    const first = await new Promise((done, failed) => {
      lines.once('line', done);
      mail.process.once('error', failed);
      mail.process.once('exit', (code) => failed(new Error(`ewsd dev ended with ${code}`)));
    });
    mail.url = first.split(' ')[1]; // "ready http://127.0.0.1:40321/EWS/Exchange.asmx"
    return mail;
  }

  async stop() {
    const ended = new Promise((done) => this.process.once('exit', done));
    this.process.stdin.end();
    await ended;
  }

  async ask(method, path, body) {
    const answer = await fetch(new URL(path, this.url),
                               { method, body: body && JSON.stringify(body), headers: { 'Content-Type': 'application/json' } });
    if (!answer.ok) {
      throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    }
    return answer.json();
  }

  reset() {
    return this.ask('POST', '/dev/reset', {});
  }

  /* Something goes wrong on purpose: ewsd dev --fault list says what there is. */
  fault(rule) {
    return this.ask('POST', '/dev/faults', rule);
  }

  async requestsThatFitted() {
    return (await this.ask('GET', '/dev/faults')).faults.map((rule) => rule.calls);
  }

  messages() {
    return this.ask('GET', '/dev/messages');
  }

  /* The message, as soon as it was sent. */
  wait(subject) {
    return this.ask('GET', `/dev/messages/wait?${new URLSearchParams({ subject })}`);
  }
}

module.exports = { Mail };

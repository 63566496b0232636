// What the tests of the page and tools/screenshots send to a server, by SOAP as a
// client would. Node alone.
'use strict';

const ENVELOPE = (body, version = '<t:RequestServerVersion Version="Exchange2013_SP1"/>') => `<?xml version="1.0" encoding="utf-8"?>
<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types" xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages">
  <soap:Header>${version}</soap:Header>
  <soap:Body>${body}</soap:Body>
</soap:Envelope>`;

const basic = (user, password = 'secret') => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

// Returns { status, text }.
async function soap(url, body, user = 'alice@example.test') {
  const answer = await fetch(url, { method: 'POST', body, headers: { 'Content-Type': 'text/xml; charset=utf-8', Authorization: basic(user) } });
  return { status: answer.status, text: await answer.text() };
}

const word = (text) => `=?utf-8?B?${Buffer.from(text).toString('base64')}?=`;
const base64 = (bytes) => Buffer.from(bytes).toString('base64').replace(/.{76}/g, '$&\r\n');

function part(type, bytes, more = '') {
  return `Content-Type: ${type}\r\nContent-Transfer-Encoding: base64\r\n${more}\r\n${base64(bytes)}\r\n`;
}

// mail: { from, to, cc, bcc, subject, text, html, attachments: [{ name, type, bytes }], headers }
function mime(mail) {
  const bodies = [part('text/plain; charset=utf-8', mail.text ?? 'text')];
  if (mail.html) bodies.push(part('text/html; charset=utf-8', mail.html));
  const alternative = `Content-Type: multipart/alternative; boundary="inner"\r\n\r\n${bodies.map((one) => `--inner\r\n${one}`).join('')}--inner--\r\n`;
  const attached = (mail.attachments ?? []).map(({ name, type, bytes }) =>
    `--outer\r\n${part(type, bytes, `Content-Disposition: attachment; filename="${word(name)}"\r\n`)}`);
  return [`From: ${mail.from}`, `To: ${mail.to}`, mail.cc && `Cc: ${mail.cc}`, mail.bcc && `Bcc: ${mail.bcc}`, `Subject: ${word(mail.subject)}`,
    ...mail.headers ?? [], 'MIME-Version: 1.0', 'Content-Type: multipart/mixed; boundary="outer"', '',
    `--outer\r\n${alternative}${attached.join('')}--outer--`, ''].filter((line) => line !== undefined && line !== false).join('\r\n');
}

async function send(url, mail, user) {
  const answer = await soap(url, ENVELOPE(`<m:CreateItem MessageDisposition="SendAndSaveCopy"><m:Items><t:Message>`
    + `<t:MimeContent CharacterSet="UTF-8">${Buffer.from(mime(mail)).toString('base64')}</t:MimeContent></t:Message></m:Items></m:CreateItem>`), user);
  if (!answer.text.includes('>NoError<')) throw new Error(`sending failed: ${answer.status} ${answer.text.slice(0, 600)}`);
}

const HTML = `<html><body style="font-family: Helvetica, Arial, sans-serif; color: #222; max-width: 560px; margin: 24px auto">
<h1 style="font-size: 22px; color: #3650c9">Your order has shipped</h1>
<p>Hello Carol,</p><p>the parcel with order <b>#10442</b> left our warehouse in Freiburg this morning and should arrive on Thursday.</p>
<table cellpadding="10" style="border-collapse: collapse; width: 100%; border: 1px solid #ddd"><tr style="background: #f3f5ff"><th align="left">Item</th><th align="right">Pieces</th><th align="right">Price</th></tr>
<tr><td>Desk lamp, brass</td><td align="right">1</td><td align="right">€ 84.00</td></tr><tr><td>Bulb E27, warm</td><td align="right">2</td><td align="right">€ 11.80</td></tr></table>
<p style="color: #666; font-size: 13px">You get this message because you have ordered from us.</p></body></html>`;

// A mailbox, a queue and a capture that look like a day of work.
const DAY = [
  { from: 'alice@example.test', to: 'Bob <bob@example.test>', subject: 'Minutes of Monday', text: 'Hello Bob,\n\nthe minutes are attached.\n\nAlice', attachments: [{ name: 'minutes.pdf', type: 'application/pdf', bytes: '%PDF-1.4 '.repeat(1400) }] },
  { from: 'bob@example.test', to: 'alice@example.test', subject: 'Re: Minutes of Monday', text: 'Thank you, I added the numbers.', user: 'bob@example.test' },
  { from: 'alice@example.test', to: 'dave@elsewhere.example', subject: 'Password reset', text: 'Follow this link within an hour.' },
  { from: 'alice@example.test', to: 'team@elsewhere.example, erin@elsewhere.example', subject: 'Nightly report: 3 of 412 jobs failed', text: 'See the dashboard.' },
  { from: 'bob@example.test', to: 'frank@elsewhere.example', subject: 'Grüße aus Zürich', text: 'Bis bald!', user: 'bob@example.test' },
  { from: 'Shop <alice@example.test>', to: 'Carol <carol@elsewhere.example>', cc: 'sales@elsewhere.example', bcc: 'audit@elsewhere.example', subject: 'Your order has shipped', text: 'The parcel with order #10442 left our warehouse this morning.', html: HTML, attachments: [{ name: 'invoice-10442.pdf', type: 'application/pdf', bytes: '%PDF-1.4 '.repeat(9000) }] },
];

// What a client under development sends: an element that doesn't belong there.
const WRONG = ENVELOPE(`
    <m:CreateItem MessageDisposition="SendOnly">
      <m:Items>
        <t:Message>
          <t:Subject>Hello</t:Subject>
          <t:Body BodyType="Text">Text</t:Body>
          <t:Recipients>
            <t:Mailbox><t:EmailAddress>carol@elsewhere.example</t:EmailAddress></t:Mailbox>
          </t:Recipients>
        </t:Message>
      </m:Items>
    </m:CreateItem>
  `);

module.exports = { DAY, ENVELOPE, HTML, WRONG, basic, mime, send, soap };

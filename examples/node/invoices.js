/* The program under test: sends invoices, each of them once. */
'use strict';

const ews = require('ews-javascript-api');

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/* How long a busy server wants to be left alone; undefined: it is not busy. A
 * fault comes as SoapFaultDetails, a response message as ServiceResponseException. */
function backOff(error) {
  const code = error.Response ? error.ErrorCode : error.ResponseCode;
  const details = error.Response ? error.Response.ErrorDetails : error.ErrorDetails;
  if (code !== ews.ServiceError.ErrorServerBusy) {
    return undefined;
  }
  return details.containsKey('BackOffMilliseconds') ? Number(details.get('BackOffMilliseconds')) : 60000;
}

/* There was no answer, so nobody knows whether it was done. */
const isLost = (error) => !error.Response && !error.HttpStatusCode;

async function sendInvoice(service, customer, number, attempts = 3) {
  const message = new ews.EmailMessage(service);
  message.Subject = `Invoice ${number}`;
  message.Body = new ews.MessageBody(ews.BodyType.Text, `Please find invoice ${number} below.`);
  message.ToRecipients.Add(customer);
  await message.Save();
  const draft = await ews.EmailMessage.Bind(service, message.Id);
  for (let attempt = 1; ; attempt++) {
    try {
      /* The same SendItem again is answered as the first one was, if that had been
       * done: nothing is sent twice. */
      return await draft.Send();
    } catch (error) {
      const wait = isLost(error) ? 0 : backOff(error);
      if (wait === undefined || attempt === attempts) {
        throw error;
      }
      await sleep(wait);
    }
  }
}

module.exports = { sendInvoice };

/* What the scripts beside this file share: steps that are told apart, and the
 * server's address and account, from the environment. */
'use strict';

const steps = [];

exports.url = process.env.EWSD_URL;
exports.user = process.env.EWSD_USER;
exports.password = process.env.EWSD_PASSWORD;

exports.step = function (name, run) {
  steps.push({ name, run });
};

exports.expect = function (got, wanted, what) {
  if (JSON.stringify(got) !== JSON.stringify(wanted)) {
    throw new Error(`${what}: got ${JSON.stringify(got)}, wanted ${JSON.stringify(wanted)}`);
  }
};

/* Asks again until it gives something. */
exports.until = async function (ask, what) {
  for (let end = Date.now() + 60000; Date.now() < end;) {
    const found = await ask();
    if (found) {
      return found;
    }
    await new Promise((done) => setTimeout(done, 20));
  }
  throw new Error('waited in vain for ' + what);
};

/* Each step after the other; what one leaves is in `world`. */
exports.run = async function () {
  const world = {};
  for (const { name, run } of steps) {
    try {
      await run(world);
      console.log('ok ' + name);
    } catch (error) {
      const text = String((error && (error.stack || error.message || error.Message)) || error);
      console.log('not ok ' + name + ': ' + text.split('\n').slice(0, 6).join(' | '));
    }
  }
};

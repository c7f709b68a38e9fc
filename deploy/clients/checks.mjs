// What the Node clients share: the scenarios. A program prints what a client got, one line a scenario,
//   client|scenario|JSON
// and runs twice, against Relay and against the provider itself; compare.mjs compares. A client gives
//   make({ key, headers, maxRetries, fetch }) -> client
//   ask(client, { model, stream, tools }) -> { text, calls, stop, usage: [input, output] }
// ask with tools answers a call once and returns what came of it. failed(error) describes an error.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';

export const url = process.env.BASE_URL;
export const key = process.env.CLIENT_KEY;
/** Admits one request each 2.3 s, for models whose name ends in -scarce. */
export const scarceKey = process.env.SCARCE_KEY;
export const isRelay = process.env.TARGET === 'relay';

/** The provider answers as these ask it to; Relay passes headers that it does not know. */
export const script = { 'x-sim-input-tokens': '123', 'x-sim-output-tokens': '45' };
export const toolScript = { 'x-sim-tool': 'weather', 'x-sim-tool-input': '{"city":"Oslo"}' };
export const weather = {
  description: 'Tells the weather',
  schema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  answer: 'rain',
};

/** What a request must not get away with: scenario, headers, credential. */
const refusals = [
  ['error 400', { 'x-sim-output-tokens': 'many' }, key],
  ['error 401', {}, 'not-a-client'],
  ['error 500', { 'x-sim-fault': '500' }, key],
];

export async function run(name, family, { make, ask, failed }) {
  const client = (headers = {}, more = {}) =>
    make({ key, maxRetries: 0, ...more, headers: { ...script, ...headers } });
  for (const stream of [false, true]) {
    const where = stream ? ' stream' : '';
    const any = { model: `${family}-any`, stream };
    const scarce = { model: `${family}-scarce`, stream };
    const failure = (request) =>
      request.then((got) => assert.fail(`no error but ${JSON.stringify(got)}`), failed);

    await scenario(name, stream ? 'stream' : 'JSON', () => ask(client(), any));
    await scenario(name, `tools${where}`, () => ask(client(toolScript), { ...any, tools: true }));
    for (const [what, headers, credential] of refusals) {
      // The model for faults has a key of its own, that a fault may put out of use.
      const asked = what === 'error 500' ? { ...any, model: `${family}-faulty` } : any;
      await scenario(name, what + where, async () => {
        const error = await failure(ask(client(headers, { key: credential }), asked));
        return what === 'error 401' ? own(error) : error;
      });
    }
    if (stream) {
      await scenario(name, 'error in stream', async () => {
        const asked = { model: `${family}-faulty`, stream };
        return failure(ask(client({ 'x-sim-fault': 'error-event' }), asked));
      });
    }
    await scenario(name, `429${where}`, async () => {
      await takeThePlace();
      return own(await failure(ask(client({}, { key: scarceKey }), scarce)));
    });
    await scenario(name, `retry${where}`, async () => {
      await takeThePlace();
      // When did which answer come, and when did the client send the next request?
      const attempts = [];
      const fetchTimed = async (...request) => {
        const attempt = { sentAt: performance.now() };
        attempts.push(attempt);
        const answer = await fetch(...request);
        attempt.status = answer.status;
        attempt.answeredAt = performance.now();
        attempt.toldMs = told(answer.headers);
        return answer;
      };
      const got = await ask(
        client({}, { key: scarceKey, maxRetries: 2, fetch: fetchTimed }),
        scarce,
      );
      // By itself each would wait half a second; the upper bound is for busy machines.
      const waitedMs = attempts[1].sentAt - attempts[0].answeredAt;
      const { toldMs } = attempts[0];
      assert(
        waitedMs >= toldMs - 2 && waitedMs < toldMs + 3000,
        `waited ${waitedMs} ms, was told ${toldMs}`,
      );
      return { ...got, statuses: attempts.map((attempt) => attempt.status), waited: 'as told' };
    });
  }

  /** Relay's own errors have words of its own, and openai's dialect also one word for the type. */
  function own({ message, type, ...rest }) {
    return family === 'gpt' ? rest : { ...rest, type };
  }

  async function takeThePlace() {
    const holder = client({}, { key: scarceKey, maxRetries: 5 });
    await ask(holder, { model: `${family}-scarce`, stream: false });
  }
}

/** For how long a 429 tells to wait; Relay tells it to the millisecond, too. */
export function told(headers) {
  const exact = headers.get('retry-after-ms');
  const seconds = headers.get('retry-after');
  if (exact !== null) assert.equal(Number(seconds), Math.ceil(exact / 1000));
  return exact === null ? Number(seconds) * 1000 : Number(exact);
}

/**
 * Runs a command line client of Node's: how it ended, and the lines of JSON that it printed. It has a
 * home of its own, and nothing of the caller's: neither its settings nor its account.
 */
export async function runClient(args, env) {
  const home = process.env.CLIENT_HOME;
  const child = spawn(process.execPath, args, {
    cwd: home,
    env: { PATH: process.env.PATH, HOME: home, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 60_000,
  });
  let out = '';
  child.stdout.on('data', (data) => (out += data));
  const status = await new Promise((resolve) => child.on('close', resolve));
  return { status, lines: out.trim().split('\n').map((line) => JSON.parse(line)) };
}

export async function scenario(client, what, body) {
  let got;
  try {
    got = await body();
  } catch (error) {
    got = { FAILED: String(error.stack).slice(0, 600) };
  }
  console.log(`${client}|${what}|${JSON.stringify(got)}`);
}

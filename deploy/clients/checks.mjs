// What the two Node SDKs share: the checks, in the order of the table's columns. A client gives
//   ask(client, model, stream) -> { text, inputTokens, outputTokens }
//   make({ key, maxRetries, fetch }) -> client
// and the classes of its own errors.
import assert from 'node:assert/strict';

export const url = process.env.RELAY_URL;
export const key = process.env.RELAY_KEY;

/** The stand-in answers as these ask it to; Relay passes headers that it does not know. */
export const script = { 'x-sim-input-tokens': '123', 'x-sim-output-tokens': '45' };

const texts = { json: 'A simulated answer.', stream: 'some more words '.repeat(5) };

export async function run(name, model, scarceModel, { make, ask, Unauthorized, RateLimited }) {
  const client = make({ key, maxRetries: 0 });
  const isRight = async (stream) =>
    assert.deepEqual(await ask(client, model, stream), {
      text: stream ? texts.stream : texts.json,
      inputTokens: 123,
      outputTokens: 45,
    });

  await check(name, 'JSON', () => isRight(false));
  await check(name, 'stream', () => isRight(true));
  for (const stream of [false, true]) {
    await check(name, stream ? '401 stream' : '401', async () => {
      const stranger = make({ key: 'not-a-client', maxRetries: 0 });
      const error = await failure(() => ask(stranger, model, stream));
      assert(error instanceof Unauthorized, String(error));
      assert.equal(error.status, 401);
      assert.match(error.message, /no client of Relay has this key/);
    });
    await check(name, stream ? '429 stream' : '429', async () => {
      const refused = await refusal(stream);
      assert(refused instanceof RateLimited, String(refused));
      assert.equal(refused.status, 429);
      const waitMs = Number(refused.headers.get('retry-after-ms'));
      assert(waitMs > 0, 'retry-after-ms');
      assert.equal(Number(refused.headers.get('retry-after')), Math.ceil(waitMs / 1000));
    });
    await check(name, stream ? 'retry stream' : 'retry', async () => {
      // Timed by the script: when did which answer come, and when did the SDK send the next request?
      const attempts = [];
      const fetchTimed = async (...request) => {
        const attempt = { sentAt: performance.now() };
        attempts.push(attempt);
        const answer = await fetch(...request);
        attempt.status = answer.status;
        attempt.answeredAt = performance.now();
        attempt.waitMs = Number(answer.headers.get('retry-after-ms'));
        return answer;
      };
      await refusal(stream);
      const timed = make({ key, maxRetries: 2, fetch: fetchTimed });
      assert.equal((await ask(timed, scarceModel, stream)).outputTokens, 45);
      assert.deepEqual(attempts.map((attempt) => attempt.status), [429, 200]);
      const waitedMs = attempts[1].sentAt - attempts[0].answeredAt;
      const askedMs = attempts[0].waitMs;
      // retry-after alone, in whole seconds, would make it wait some 700 ms longer.
      assert(
        waitedMs >= askedMs - 2 && waitedMs < askedMs + 500,
        `waited ${waitedMs} ms, retry-after-ms was ${askedMs}`,
      );
    });
  }

  /** What a request meets right after another took the window's only place. */
  async function refusal(stream) {
    await ask(make({ key, maxRetries: 5 }), scarceModel, false);
    return failure(() => ask(client, scarceModel, stream));
  }
}

async function failure(request) {
  return request().then(() => assert.fail('no error'), (thrown) => thrown);
}

export async function check(client, what, body) {
  try {
    await body();
    console.log(`${client}|${what}|ok`);
  } catch (error) {
    console.log(`${client}|${what}|FAILED`);
    console.error(`${client}, ${what}:`, error);
  }
}

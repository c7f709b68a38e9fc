// Claude Code, non-interactive, with each of its two ways to send a credential.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { check, key, script, url } from './checks.mjs';

const cli = new URL('node_modules/@anthropic-ai/claude-code/cli-wrapper.cjs', import.meta.url);

/** Its lines of JSON: events of the stream, what it retries, and the result. */
function claude(credential, ...args) {
  const command = [cli.pathname, '-p', 'say hi', '--output-format', 'stream-json', '--verbose'];
  const run = spawnSync(process.execPath, [...command, '--include-partial-messages', ...args], {
    cwd: process.env.CLAUDE_HOME,
    // Nothing of the caller's: neither its settings nor its account.
    env: {
      PATH: process.env.PATH,
      HOME: process.env.CLAUDE_HOME,
      ANTHROPIC_BASE_URL: url,
      ANTHROPIC_CUSTOM_HEADERS: Object.entries(script)
        .map(([name, value]) => `${name}: ${value}`)
        .join('\n'),
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      DISABLE_AUTOUPDATER: '1',
      DISABLE_ERROR_REPORTING: '1',
      DISABLE_TELEMETRY: '1',
      ...credential,
    },
    encoding: 'utf8',
    input: '',
    timeout: 40_000,
  });
  assert.equal(run.error, undefined);
  const lines = run.stdout.trim().split('\n').map((line) => JSON.parse(line));
  return {
    status: run.status,
    deltas: lines.filter((line) => line.event?.type === 'content_block_delta').length,
    retries: lines.filter((line) => line.subtype === 'api_retry'),
    result: lines.findLast((line) => line.type === 'result'),
  };
}

function isRight({ status, deltas, result }) {
  assert.equal(status, 0);
  assert.equal(deltas, 5);
  assert.equal(result.result, 'some more words '.repeat(5));
  assert.equal(result.usage.input_tokens, 123);
  assert.equal(result.usage.output_tokens, 45);
}

const credentials = { 'claude-api-key': 'ANTHROPIC_API_KEY', 'claude-auth-token': 'ANTHROPIC_AUTH_TOKEN' };
for (const [name, variable] of Object.entries(credentials)) {
  await check(name, 'stream', () => {
    const run = claude({ [variable]: key });
    isRight(run);
    assert.deepEqual(run.retries, []);
  });
  await check(name, '401', () => {
    const { status, retries, result } = claude({ [variable]: 'not-a-client' });
    assert.equal(status, 1);
    assert.equal(result.api_error_status, 401);
    assert.deepEqual(retries, [], 'it was told not to try again');
  });
  await check(name, 'retry', async () => {
    const waitMs = await takeTheSlowPool();
    const run = claude({ [variable]: key }, '--model', 'claude-slow');
    isRight(run);
    assert.deepEqual(run.retries.map((retry) => retry.error_status), [429]);
    // It adds some time of its own to what the 429 said, which by then was a little less.
    const { retry_delay_ms: delayMs } = run.retries[0];
    assert(delayMs < 1.3 * waitMs + 1000, `it waits ${delayMs} ms, retry-after-ms was ${waitMs}`);
  });
}

/** Uses up the window's only place; returns for how long there is none. */
async function takeTheSlowPool() {
  for (let tries = 0; tries < 5; tries++) {
    const answer = await fetch(`${url}/v1/messages`, {
      method: 'POST',
      headers: { 'x-api-key': key, 'content-type': 'application/json' },
      body: '{"model":"claude-slow","max_tokens":1,"messages":[]}',
    });
    const waitMs = Number(answer.headers.get('retry-after-ms'));
    if (answer.status === 429 && waitMs > 6000) return waitMs;
    // Whoever refuses tells when to come back; whoever grants has taken the place.
    await new Promise((resolve) => setTimeout(resolve, answer.status === 429 ? waitMs + 1 : 0));
  }
  return assert.fail('never refused');
}

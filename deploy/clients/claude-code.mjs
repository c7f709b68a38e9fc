// Claude Code, non-interactive, with each of its two ways to send a credential. It always streams.
import assert from 'node:assert/strict';
import { key, runClient, scarceKey, scenario, script, told } from './checks.mjs';

const url = process.env.BASE_URL;
const slowUrl = process.env.SLOW_URL;
const cli = new URL('node_modules/@anthropic-ai/claude-code/cli-wrapper.cjs', import.meta.url);

/** Its lines of JSON: events of the stream, what it retries, and the result. */
async function claude(credential, headers, base, ...args) {
  const command = [cli.pathname, '-p', 'say hi', '--output-format', 'stream-json', '--verbose'];
  const { status, lines } = await runClient([...command, '--include-partial-messages', ...args], {
    ANTHROPIC_BASE_URL: base,
    ANTHROPIC_CUSTOM_HEADERS: Object.entries({ ...script, ...headers })
      .map(([name, value]) => `${name}: ${value}`)
      .join('\n'),
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    CLAUDE_CODE_MAX_RETRIES: '2',
    DISABLE_AUTOUPDATER: '1',
    DISABLE_ERROR_REPORTING: '1',
    DISABLE_TELEMETRY: '1',
    ...credential,
  });
  const { result, usage, api_error_status: apiStatus } = lines.findLast((line) => line.type === 'result');
  const blocks = lines.flatMap(({ type, message }) =>
    type === 'assistant' || type === 'user' ? message.content : [],
  );
  return {
    status,
    deltas: lines.filter((line) => line.event?.type === 'content_block_delta').length,
    calls: blocks.filter(({ type }) => type === 'tool_use').map(({ name, input }) => [name, input]),
    results: blocks.filter(({ type }) => type === 'tool_result').map(({ content }) => content),
    retries: lines.filter((line) => line.subtype === 'api_retry'),
    text: result,
    apiStatus,
    usage: [usage.input_tokens, usage.output_tokens],
  };
}

const credentials = { API_KEY: 'ANTHROPIC_API_KEY', AUTH_TOKEN: 'ANTHROPIC_AUTH_TOKEN' };
for (const [suffix, variable] of Object.entries(credentials)) {
  const name = `Claude Code ${suffix}`;
  const own = { [variable]: key };
  await scenario(name, 'stream', () => claude(own, {}, url, '--tools', ''));
  await scenario(name, 'tools stream', () => {
    const tool = { 'x-sim-tool': 'Bash', 'x-sim-tool-input': '{"command":"echo it rains"}' };
    return claude(own, tool, url, '--tools', 'Bash', '--allowedTools', 'Bash');
  });
  await scenario(name, 'error 400 stream', () =>
    claude(own, { 'x-sim-output-tokens': 'many' }, url, '--tools', ''),
  );
  await scenario(name, 'error 401 stream', async () => {
    // Its text carries Relay's message; whether it tries again is up to x-should-retry.
    const stranger = { [variable]: 'not-a-client' };
    const { text, retries, ...rest } = await claude(stranger, {}, url, '--tools', '');
    return rest;
  });
  await scenario(name, 'retry stream', async () => {
    const waitMs = await takeTheSlowPlace();
    const args = ['--tools', '', '--model', 'claude-slow'];
    const run = await claude({ [variable]: scarceKey }, {}, slowUrl, ...args);
    const statuses = run.retries.map((retry) => retry.error_status);
    // It adds some time of its own to what the 429 said, which by then was a little less.
    const [{ retry_delay_ms: delayMs } = {}] = run.retries;
    assert(delayMs < 1.3 * waitMs + 1000, `it waits ${delayMs} ms, was told ${waitMs}`);
    return { ...run, retries: statuses };
  });
}

/** Uses up the window's only place; returns for how long there is none. */
export async function takeTheSlowPlace() {
  for (let tries = 0; tries < 5; tries++) {
    const answer = await fetch(`${slowUrl}/v1/messages`, {
      method: 'POST',
      headers: { 'x-api-key': scarceKey, 'content-type': 'application/json' },
      body: '{"model":"claude-slow","max_tokens":1,"messages":[]}',
    });
    await answer.arrayBuffer();
    if (answer.status === 429 && told(answer.headers) > 12_000) return told(answer.headers);
    // Whoever refuses tells when to come back; whoever grants has taken the place.
    const waitMs = answer.status === 429 ? told(answer.headers) + 1 : 0;
    await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
  return assert.fail('never refused');
}

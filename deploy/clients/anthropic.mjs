// @anthropic-ai/sdk, with each of its two ways to send a credential.
import assert from 'node:assert/strict';
import Anthropic from '@anthropic-ai/sdk';
import { check, key, run, script, url } from './checks.mjs';

async function ask(client, model, stream) {
  const body = { model, max_tokens: 64, messages: [{ role: 'user', content: 'say hi' }] };
  const message = stream
    ? await client.messages.stream(body).finalMessage()
    : await client.messages.create(body);
  return {
    text: message.content[0].text,
    inputTokens: message.usage.input_tokens,
    outputTokens: message.usage.output_tokens,
  };
}

async function others(client) {
  const messages = [{ role: 'user', content: 'say hi' }];
  // It costs nothing, so the scarce model counts as often as one likes.
  for (let n = 0; n < 5; n++) {
    const count = await client.messages.countTokens({ model: 'claude-scarce', messages });
    assert.equal(count.input_tokens, 123);
  }
  const models = [];
  for await (const model of client.models.list({ limit: 1 })) {
    assert.equal(model.type, 'model');
    assert(!Number.isNaN(Date.parse(model.created_at)), model.created_at);
    models.push(model.id);
  }
  assert.deepEqual(models, ['claude-scarce', 'claude-slow']);
  assert.equal((await client.models.retrieve('claude-slow')).id, 'claude-slow');
}

for (const credential of ['apiKey', 'authToken']) {
  const make = ({ key, ...options }) =>
    new Anthropic({
      apiKey: null,
      authToken: null,
      [credential]: key,
      baseURL: url,
      defaultHeaders: script,
      ...options,
    });
  const name = `@anthropic-ai/sdk ${credential}`;
  await run(name, 'claude-any', 'claude-scarce', {
    make,
    ask,
    Unauthorized: Anthropic.AuthenticationError,
    RateLimited: Anthropic.RateLimitError,
  });
  await check(name, 'others', () => others(make({ key, maxRetries: 0 })));
}

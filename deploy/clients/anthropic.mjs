// @anthropic-ai/sdk, with each of its two ways to send a credential.
import assert from 'node:assert/strict';
import Anthropic from '@anthropic-ai/sdk';
import { isRelay, key, run, scarceKey, scenario, script, url, weather } from './checks.mjs';

const tools = [
  { name: 'weather', description: weather.description, input_schema: weather.schema },
];

async function ask(client, { model, stream, tools: withTools }) {
  const messages = [{ role: 'user', content: 'say hi' }];
  const next = async () => {
    const body = { model, max_tokens: 64, messages, ...(withTools ? { tools } : {}) };
    return stream ? client.messages.stream(body).finalMessage() : client.messages.create(body);
  };
  const first = await next();
  const calls = first.content.filter((block) => block.type === 'tool_use');
  if (calls.length === 0) return read(first, []);
  messages.push({ role: 'assistant', content: first.content });
  messages.push({
    role: 'user',
    content: calls.map(({ id }) => ({
      type: 'tool_result',
      tool_use_id: id,
      content: weather.answer,
    })),
  });
  const last = read(await next(), calls.map(({ name, input }) => [name, input]));
  return { ...last, stop: [first.stop_reason, last.stop] };
}

function read({ content, stop_reason: stop, usage }, calls) {
  const text = content.map((block) => block.text).join('');
  return { text, calls, stop, usage: [usage.input_tokens, usage.output_tokens] };
}

const failed = (error) => ({
  class: error.constructor.name,
  status: error.status,
  type: error.error?.error?.type,
  message: error.error?.error?.message ?? error.message,
});

for (const credential of ['apiKey', 'authToken']) {
  const make = ({ key, headers, ...options }) =>
    new Anthropic({
      apiKey: null,
      authToken: null,
      [credential]: key,
      baseURL: url,
      defaultHeaders: headers,
      ...options,
    });
  const name = `@anthropic-ai/sdk ${credential}`;
  await run(name, 'claude', { make, ask, failed });
  const client = make({ key, headers: script, maxRetries: 0 });
  await scenario(name, 'count_tokens', async () => {
    const counts = [];
    const messages = [{ role: 'user', content: 'say hi' }];
    const scarce = make({ key: scarceKey, headers: script, maxRetries: 0 });
    // It costs nothing, so the scarce model counts as often as one likes.
    for (let n = 0; n < 4; n++) {
      counts.push(await scarce.messages.countTokens({ model: 'claude-scarce', messages }));
    }
    return counts.map((count) => count.input_tokens);
  });
  if (isRelay) {
    await scenario(name, 'models', async () => {
      const models = [];
      for await (const model of client.models.list({ limit: 1 })) {
        assert.equal(model.type, 'model');
        assert(!Number.isNaN(Date.parse(model.created_at)), model.created_at);
        models.push(model.id);
      }
      assert.deepEqual(models, ['claude-faulty', 'claude-spare']);
      return (await client.models.retrieve('claude-spare')).id;
    });
  }
}

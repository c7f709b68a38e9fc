// openai (npm): Chat Completions, then the other endpoints.
import assert from 'node:assert/strict';
import OpenAI from 'openai';
import { check, key, run, script, url } from './checks.mjs';

const messages = [{ role: 'user', content: 'say hi' }];

async function json(client, model) {
  const answer = await client.chat.completions.create({ model, messages });
  return read(answer.choices[0].message.content, answer.usage);
}

async function stream(client, model, includeUsage) {
  const options = includeUsage ? { stream_options: { include_usage: true } } : {};
  const chunks = await client.chat.completions.create({ model, messages, stream: true, ...options });
  let text = '';
  let usage = null;
  for await (const chunk of chunks) {
    // Relay asks the provider for the usage in any case; a client that did not must not see it.
    assert(includeUsage || (chunk.choices.length === 1 && !('usage' in chunk)), 'a foreign chunk');
    text += chunk.choices[0]?.delta.content ?? '';
    usage = chunk.usage ?? usage;
  }
  return read(text, usage);
}

function read(text, usage) {
  return { text, inputTokens: usage?.prompt_tokens, outputTokens: usage?.completion_tokens };
}

const make = ({ key, ...options }) =>
  new OpenAI({ apiKey: key, baseURL: `${url}/v1`, defaultHeaders: script, ...options });

await run('openai', 'gpt-any', 'gpt-scarce', {
  make,
  ask: async (client, model, streamed) => {
    if (!streamed) return json(client, model);
    const answer = await stream(client, model, true);
    if (model === 'gpt-any') {
      assert.equal((await stream(client, model, false)).text, answer.text);
    }
    return answer;
  },
  Unauthorized: OpenAI.AuthenticationError,
  RateLimited: OpenAI.RateLimitError,
});

const client = make({ key, maxRetries: 0 });

await check('openai', 'responses', async () => {
  const asked = { model: 'gpt-any', input: 'say hi', max_output_tokens: 64 };
  const whole = await client.responses.create(asked);
  assert.equal(whole.output_text, 'A simulated answer.');
  const events = [];
  for await (const event of await client.responses.create({ ...asked, stream: true })) {
    events.push(event);
  }
  const last = events.at(-1);
  assert.equal(last.type, 'response.completed');
  const deltas = events.filter((event) => event.type === 'response.output_text.delta');
  assert.equal(deltas.map((event) => event.delta).join(''), 'some more words '.repeat(5));
  const final = await client.responses.stream(asked).finalResponse();
  assert.equal(final.output_text, 'some more words '.repeat(5));
  for (const { usage } of [whole, last.response, final]) {
    assert.deepEqual([usage.input_tokens, usage.output_tokens], [123, 45]);
  }
});

await check('openai', 'embeddings', async () => {
  // The SDK asks for base64 by itself unless it is told what to ask for.
  const asked = { model: 'gpt-any', input: ['a', 'b'], encoding_format: 'float' };
  const answer = await client.embeddings.create(asked);
  assert.deepEqual(answer.data[0].embedding, [0.25, -0.5, 1]);
  assert.equal(answer.usage.prompt_tokens, 123);
});

await check('openai', 'models', async () => {
  const models = [];
  for await (const model of client.models.list()) models.push([model.id, model.owned_by]);
  assert.deepEqual(models, [['gpt-scarce', 'open-scarce']]);
  assert.equal((await client.models.retrieve('gpt-scarce')).object, 'model');
});

await check('openai', 'passthrough', async () => {
  // The stand-in gives back what it was given.
  const body = { input_file_id: 'file-1', endpoint: '/v1/responses', completion_window: '24h' };
  assert.equal((await client.batches.create(body)).input_file_id, 'file-1');
  const file = await OpenAI.toFile(Buffer.from('{"a":1}\n'), 'batch.jsonl');
  const upload = await client.files.create({ file, purpose: 'batch' }).asResponse();
  assert.match(await upload.text(), /name="purpose"\r\n\r\nbatch/);
});

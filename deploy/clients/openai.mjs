// openai (npm): Chat Completions and Responses, then the other endpoints.
import assert from 'node:assert/strict';
import OpenAI from 'openai';
import { isRelay, key, run, scenario, script, url, weather } from './checks.mjs';

const parts = { name: 'weather', description: weather.description, parameters: weather.schema };

async function chat(client, { model, stream, tools }) {
  const messages = [{ role: 'user', content: 'say hi' }];
  const next = async () => {
    const body = { model, messages };
    if (tools) body.tools = [{ type: 'function', function: parts }];
    if (!stream) return client.chat.completions.create(body);
    const options = { stream_options: { include_usage: true } };
    return client.chat.completions.stream({ ...body, ...options }).finalChatCompletion();
  };
  const first = await next();
  const { message, finish_reason: stop } = first.choices[0];
  if (!message.tool_calls?.length) return readChat(first, []);
  messages.push(message);
  for (const { id } of message.tool_calls) {
    messages.push({ role: 'tool', tool_call_id: id, content: weather.answer });
  }
  const calls = message.tool_calls.map((call) => [call.function.name, call.function.arguments]);
  const last = readChat(await next(), calls);
  return { ...last, stop: [stop, last.stop] };
}

function readChat({ choices: [choice], usage }, calls) {
  return {
    text: choice.message.content,
    calls,
    stop: choice.finish_reason,
    usage: [usage.prompt_tokens, usage.completion_tokens],
  };
}

async function responses(client, { model, stream, tools }) {
  const input = [{ role: 'user', content: 'say hi' }];
  const next = async () => {
    const body = { model, input, max_output_tokens: 64 };
    if (tools) body.tools = [{ type: 'function', strict: false, ...parts }];
    return stream
      ? client.responses.stream(body).finalResponse()
      : client.responses.create(body);
  };
  const first = await next();
  const called = first.output.filter((item) => item.type === 'function_call');
  if (called.length === 0) return readResponse(first, []);
  input.push(...called.map(({ parsed_arguments: _, ...call }) => call));
  for (const { call_id: id } of called) {
    input.push({ type: 'function_call_output', call_id: id, output: weather.answer });
  }
  const last = readResponse(await next(), called.map((call) => [call.name, call.arguments]));
  return { ...last, stop: [first.status, last.stop] };
}

function readResponse({ output_text: text, status: stop, usage }, calls) {
  return { text, calls, stop, usage: [usage.input_tokens, usage.output_tokens] };
}

const failed = (error) => ({
  class: error.constructor.name,
  status: error.status,
  type: error.type,
  code: error.code,
  message: error.message,
});

const make = ({ key, headers, ...options }) =>
  new OpenAI({ apiKey: key, baseURL: `${url}/v1`, defaultHeaders: headers, ...options });

await run('openai chat', 'gpt', { make, ask: chat, failed });
await run('openai responses', 'gpt', { make, ask: responses, failed });

const client = make({ key, headers: script, maxRetries: 0 });

await scenario('openai chat', 'without usage', async () => {
  const messages = [{ role: 'user', content: 'say hi' }];
  const chunks = [];
  const asked = { model: 'gpt-any', messages, stream: true };
  for await (const chunk of await client.chat.completions.create(asked)) {
    // Relay asks the provider for the usage in any case; a client that did not must not see it.
    assert(chunk.choices.length === 1 && !('usage' in chunk), 'a foreign chunk');
    chunks.push(chunk.choices);
  }
  return chunks;
});

await scenario('openai responses', 'events', async () => {
  const events = [];
  const asked = { model: 'gpt-any', input: 'say hi', stream: true };
  for await (const event of await client.responses.create(asked)) events.push(event);
  return events;
});

await scenario('openai chat', 'embeddings', async () => {
  // The SDK asks for base64 by itself unless it is told what to ask for.
  const asked = { model: 'gpt-any', input: ['a', 'b'], encoding_format: 'float' };
  const { data, usage } = await client.embeddings.create(asked);
  return { data, usage };
});

if (isRelay) {
  await scenario('openai chat', 'models', async () => {
    const models = [];
    for await (const model of client.models.list()) models.push([model.id, model.owned_by]);
    assert.deepEqual(models, [['gpt-faulty', 'open-faulty']]);
    return (await client.models.retrieve('gpt-faulty')).object;
  });
}

await scenario('openai chat', 'passthrough', async () => {
  // The provider gives back what it was given.
  const body = { input_file_id: 'file-1', endpoint: '/v1/responses', completion_window: '24h' };
  const batch = await client.batches.create(body);
  const file = await OpenAI.toFile(Buffer.from('{"a":1}\n'), 'batch.jsonl');
  const upload = await client.files.create({ file, purpose: 'batch' }).asResponse();
  const text = await upload.text();
  assert.match(text, /name="purpose"\r\n\r\nbatch/);
  return [batch, text.replaceAll(text.slice(0, text.indexOf('\r')), '--')];
});

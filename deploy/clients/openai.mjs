// openai (npm), Chat Completions. `usage` tells whether the stream was asked for a usage chunk.
import assert from 'node:assert/strict';
import OpenAI from 'openai';
import { run, script, url } from './checks.mjs';

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

await run('openai', 'gpt-any', 'gpt-scarce', {
  make: ({ key, ...options }) =>
    new OpenAI({ apiKey: key, baseURL: `${url}/v1`, defaultHeaders: script, ...options }),
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

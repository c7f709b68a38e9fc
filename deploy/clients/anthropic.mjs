// @anthropic-ai/sdk, with each of its two ways to send a credential.
import Anthropic from '@anthropic-ai/sdk';
import { run, script, url } from './checks.mjs';

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

for (const credential of ['apiKey', 'authToken']) {
  await run(`@anthropic-ai/sdk ${credential}`, 'claude-any', 'claude-scarce', {
    make: ({ key, ...options }) =>
      new Anthropic({
        apiKey: null,
        authToken: null,
        [credential]: key,
        baseURL: url,
        defaultHeaders: script,
        ...options,
      }),
    ask,
    Unauthorized: Anthropic.AuthenticationError,
    RateLimited: Anthropic.RateLimitError,
  });
}

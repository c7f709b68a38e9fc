// ai, the Vercel AI SDK, with its providers for the three APIs.
import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import { generateText, isStepCount, jsonSchema, streamText, tool } from 'ai';
import { run, url, weather } from './checks.mjs';

// It runs the tool itself and asks again.
const tools = {
  weather: tool({
    description: weather.description,
    inputSchema: jsonSchema(weather.schema),
    execute: async () => weather.answer,
  }),
};

const ask = (modelOf) => async (client, { model, stream, tools: withTools }) => {
  const request = {
    model: modelOf(client.provider, model),
    prompt: 'say hi',
    maxOutputTokens: 64,
    maxRetries: client.maxRetries,
    ...(withTools ? { tools, stopWhen: isStepCount(3) } : {}),
  };
  if (!stream) return read((await generateText(request)).steps);
  let failure;
  const result = streamText({ ...request, onError: ({ error }) => (failure ??= error) });
  await result.consumeStream({ onError: (error) => (failure ??= error) });
  if (failure) throw failure;
  return read(await result.steps);
};

function read(steps) {
  const { usage, text } = steps.at(-1);
  return {
    text,
    calls: steps.flatMap((step) => step.toolCalls.map((call) => [call.toolName, call.input])),
    stop: steps.map((step) => step.finishReason),
    usage: [usage.inputTokens, usage.outputTokens],
  };
}

const failed = (thrown) => {
  const error = thrown.lastError ?? thrown;
  return {
    class: [thrown.name, error.name].join(' '),
    status: error.statusCode,
    type: error.data?.error?.type,
    code: error.data?.error?.code,
    message: error.message ?? JSON.stringify(error),
  };
};

const make =
  (create) =>
  ({ key, headers, fetch, maxRetries }) => ({
    provider: create({ apiKey: key, baseURL: `${url}/v1`, headers, fetch }),
    maxRetries,
  });

const clients = [
  ['ai @ai-sdk/anthropic', 'claude', createAnthropic, (provider, model) => provider(model)],
  ['ai @ai-sdk/openai chat', 'gpt', createOpenAI, (provider, model) => provider.chat(model)],
  ['ai @ai-sdk/openai responses', 'gpt', createOpenAI, (provider, model) => provider.responses(model)],
];
for (const [name, family, create, modelOf] of clients) {
  await run(name, family, { make: make(create), ask: ask(modelOf), failed });
}

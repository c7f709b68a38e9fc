// codex, OpenAI's CLI, non-interactive. It speaks the Responses API and always streams.
import { key, runClient, scenario, script, url } from './checks.mjs';

const cli = new URL('node_modules/@openai/codex/bin/codex.js', import.meta.url);
const toml = (members) =>
  `{${Object.entries(members)
    .map(([name, value]) => `${JSON.stringify(name)}=${JSON.stringify(value)}`)
    .join(',')}}`;

async function codex({ headers = {}, credential = key, retries = 0, model = 'gpt-any' }) {
  const provider = {
    name: 'test',
    base_url: `${url}/v1`,
    env_key: 'TEST_KEY',
    wire_api: 'responses',
    request_max_retries: retries,
    stream_max_retries: 0,
  };
  const members = toml(provider).slice(0, -1);
  const { status, lines } = await runClient(
    [
      ...[cli.pathname, 'exec', '--json', '--skip-git-repo-check', '-m', model],
      '--dangerously-bypass-approvals-and-sandbox',
      ...['-c', 'model_provider="test"'],
      ...['-c', `model_providers.test=${members},http_headers=${toml({ ...script, ...headers })}}`],
      'say hi',
    ],
    { CODEX_HOME: process.env.CLIENT_HOME, TEST_KEY: credential },
  );
  const items = lines.filter(({ type }) => type === 'item.completed').map(({ item }) => item);
  const usage = lines.find(({ type }) => type === 'turn.completed')?.usage;
  const failure = lines.find(({ type }) => type === 'turn.failed')?.error.message;
  return {
    status,
    text: items.findLast(({ type }) => type === 'agent_message')?.text,
    calls: items
      .filter(({ type }) => type === 'command_execution')
      .map((item) => [item.command, item.aggregated_output, item.exit_code]),
    usage: usage && [usage.input_tokens, usage.output_tokens],
    // Relay's address and its own words are the only difference of an error that it answers.
    failure: failure?.replaceAll(url, 'URL'),
  };
}

await scenario('codex', 'stream', () => codex({}));
await scenario('codex', 'tools stream', () =>
  codex({
    headers: { 'x-sim-tool': 'exec_command', 'x-sim-tool-input': '{"cmd":"echo it rains"}' },
  }),
);
await scenario('codex', 'error 400 stream', () =>
  codex({ headers: { 'x-sim-output-tokens': 'many' } }),
);
await scenario('codex', 'error 401 stream', async () => {
  const { failure, ...rest } = await codex({ credential: 'not-a-client' });
  return { ...rest, failure: failure?.match(/\b401 \w+/)?.[0] };
});
await scenario('codex', 'error 500 stream', () =>
  codex({ model: 'gpt-faulty', headers: { 'x-sim-fault': '500' }, retries: 1 }),
);

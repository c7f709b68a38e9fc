// Compares what the programs printed, RELAY against DIRECT, and prints the table: a row for each
// client, a column for each scenario. A cell is ok if both runs printed the same and the run against
// the provider got what the scenario is about. Exits with 1 on any difference.
import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';

const [relay, direct] = process.argv.slice(2).map((file) => {
  const lines = readFileSync(file, 'utf8').trim().split('\n').filter(Boolean);
  return new Map(
    lines.map((line) => {
      const [client, scenario, ...json] = line.split('|');
      return [`${client}|${scenario}`, JSON.parse(sameIds(json.join('|')))];
    }),
  );
});

// The provider numbers its answers; a request's number is no difference.
function sameIds(json) {
  return json.replace(/\b(msg|req|resp|chatcmpl|toolu|call|fc)([_-])[0-9a-z]+/g, '$1$2N');
}

const both = ['JSON', 'stream', 'tools', 'tools stream', 'error 400', 'error 400 stream', 'error 401',
  'error 401 stream', 'error 500', 'error 500 stream', 'error in stream', '429', '429 stream', 'retry',
  'retry stream'];
const cli = ['stream', 'tools stream', 'error 400 stream', 'error 401 stream'];
const withoutRetryOfStreams = both.filter((scenario) => scenario !== 'retry stream');
const sdk = [...both, 'count_tokens', 'models'];
const expected = {
  '@anthropic-ai/sdk apiKey': sdk,
  '@anthropic-ai/sdk authToken': sdk,
  'openai chat': [...both, 'without usage', 'embeddings', 'models', 'passthrough'],
  'openai responses': [...both, 'events'],
  'ai @ai-sdk/anthropic': both,
  'ai @ai-sdk/openai chat': both,
  'ai @ai-sdk/openai responses': both,
  'anthropic-java': [...both, 'count_tokens'],
  'openai-java chat': both,
  'openai-java responses': both,
  'langchain4j-anthropic': [...withoutRetryOfStreams, 'count_tokens'],
  'langchain4j-open-ai': withoutRetryOfStreams,
  'Claude Code API_KEY': [...cli, 'retry stream'],
  'Claude Code AUTH_TOKEN': [...cli, 'retry stream'],
  codex: [...cli, 'error 500 stream'],
};
const columns = {
  JSON: ['JSON'],
  stream: ['stream', 'without usage', 'events'],
  tools: ['tools', 'tools stream'],
  count_tokens: ['count_tokens'],
  'errors 400 401 500': both.filter((scenario) => /^error \d/.test(scenario)),
  'error in stream': ['error in stream'],
  'error 429': ['429', '429 stream'],
  retry: ['retry', 'retry stream'],
  'other endpoints': ['embeddings', 'models', 'passthrough'],
};

/** Null if it is as it should be. */
function difference(client, scenario) {
  const at = `${client}|${scenario}`;
  const got = relay.get(at);
  if (got === undefined) return 'not reached with Relay';
  if (got?.FAILED) return `with Relay: ${got.FAILED}`;
  if (scenario === 'models') return null; // from Relay's config: the program compares it
  const wanted = direct.get(at);
  if (wanted === undefined) return 'not reached with the provider';
  if (wanted?.FAILED) return `with the provider: ${wanted.FAILED}`;
  if (!isDeepStrictEqual(got, wanted)) {
    return `with Relay:        ${JSON.stringify(got)}\n  with the provider: ${JSON.stringify(wanted)}`;
  }
  return isWhatItIsAbout(scenario, got) ? null : `the same, but no ${scenario}: ${JSON.stringify(got)}`;
}

/** Two that fail in the same way are equal, too. */
function isWhatItIsAbout(scenario, { text, calls, usage, status, failure, retries, class: type }) {
  const answered = isDeepStrictEqual(usage, [123, 45]) || usage?.[0] >= 123;
  if (/^(JSON|stream|retry)/.test(scenario)) {
    const again = retries === undefined || scenario === 'stream' || retries.length > 0;
    return answered && again && /^(A simulated answer\.|(some more words ){5})$/.test(text);
  }
  if (/^tools/.test(scenario)) return answered && calls.length === 1;
  if (/^error|^429/.test(scenario)) return (status ?? type ?? failure) !== undefined && !calls?.length;
  return true;
}

const rows = [['client', ...Object.keys(columns)]];
const details = [];
for (const [client, scenarios] of Object.entries(expected)) {
  const differing = new Map(scenarios.map((scenario) => [scenario, difference(client, scenario)]));
  for (const [scenario, text] of differing) {
    if (text) details.push(`${client}, ${scenario}:\n  ${text}`);
  }
  const cells = Object.values(columns).map((inColumn) => {
    const here = inColumn.filter((scenario) => differing.has(scenario));
    if (here.length === 0) return '-';
    const bad = here.filter((scenario) => differing.get(scenario));
    return bad.length === 0 ? 'ok' : `differs: ${bad.join(', ')}`;
  });
  rows.push([`${client} ${process.env[variable(client)] ?? ''}`.trim(), ...cells]);
}

/** Where run.sh tells the version: VERSION_openai, VERSION_Claude, … */
function variable(client) {
  return `VERSION_${client.split(' ')[0].replace(/\W/g, '_')}`;
}

const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
for (const row of rows) {
  console.log(row.map((cell, column) => cell.padEnd(widths[column])).join(' | ').trimEnd());
}
if (details.length > 0) {
  console.log(`\n${details.join('\n')}`);
  process.exitCode = 1;
}

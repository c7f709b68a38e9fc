// What the provider saw of all that: no key but the pools' own, and nothing that it had to refuse.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { check } from './checks.mjs';

const keys = ['sk-plenty', 'sk-scarce', 'sk-slow', 'sk-open', 'sk-open-scarce'];
const fingerprint = (key) => createHash('sha256').update(key).digest('hex').slice(0, 8);

await check('provider', 'keys', async () => {
  const stats = await (await fetch(`${process.env.PROVIDER_URL}/sim/stats`)).json();
  assert.deepEqual(stats.secrets_seen, keys.map(fingerprint).sort());
  assert.equal(stats.unauthorized, 0);
  assert.equal(stats.accounts[0].refused_429, 0);
  assert(stats.accounts[0].admitted > 0);
});

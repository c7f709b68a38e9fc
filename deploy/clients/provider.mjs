// What Relay's provider saw of all that: no key but the pools' own, and nothing that it had to refuse.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';

const keys = ['sk-plenty', 'sk-scarce', 'sk-slow', 'sk-faulty', 'sk-open', 'sk-open-scarce',
  'sk-open-faulty'];
const fingerprint = (key) => createHash('sha256').update(key).digest('hex').slice(0, 8);

const stats = await (await fetch(`${process.env.PROVIDER_URL}/sim/stats`)).json();
assert.deepEqual(stats.secrets_seen, keys.map(fingerprint).sort());
assert.equal(stats.unauthorized, 0);
assert.equal(stats.accounts[0].refused_429, 0);
assert(stats.accounts[0].admitted > 0);
console.log("Behind Relay the provider saw the pools' own keys only, and had to refuse none.");

// Runs the scenarios of LeaseClientsTest: driver.ts URL. Prints a line for each.
import { type Ask, type Lease, Pool } from "./relay-leases.ts";
declare const process: { argv: string[] };
const url = process.argv[2];
const event = async (name: string) => (await fetch(`${url}/event/${name}`)).text();

async function run(name: string, work: (lease: Lease) => Promise<unknown>, maxWaitMs = 30_000, ask: Partial<Ask> = {}) {
  let key = "";
  try {
    await new Pool(`${url}/${name}`, "secret").lease({ model: 'm "\n\u00e9\u{1f600}', input_tokens: 1200, ...ask }, async (lease) => {
      key = lease.granted.key;
      await work(lease);
    }, { maxWaitMs });
    console.log(name, "ok", key);
  } catch (error) {
    console.log(name, "failed", (error as Error).message);
  }
}
const boom = async () => { throw new Error("boom"); };
const used = async (lease: Lease) => { lease.sent(); lease.usage({ input_tokens: 1, output_tokens: 2 }); };
await run("waits", used, 20_000);
await run("seconds", used, 20_000);
await run("bound", used, 1000);
await run("budget", used, 20_000);
await run("lost", used);
await run("balancer", used);
await run("sent", (lease) => { lease.sent(); lease.progress(5); return boom(); });
await run("unsent", boom);
await run("unknown", async () => {});
await run("renews", async (lease) => {
  lease.sent(); lease.progress(7); await event("renews/progress/2");
  lease.usage({ input_tokens: 1100, output_tokens: 9, cache_read_tokens: 100, cache_write_tokens: 50 });
});
await run("gone", async (lease) => {
  lease.sent(); await event("gone/progress/1"); await run("beside", () => event("beside/progress/2"));
  lease.usage({ input_tokens: 1, output_tokens: 2 });
});
await run("unsettled", used);
await run("bulk", async (lease) => {
  lease.usage({ input_tokens: 10, output_tokens: 20 });
  lease.usage({ input_tokens: 30, output_tokens: 40, cache_read_tokens: 1, cache_write_tokens: 2 });
}, 30_000, { requests: 10, partial: true });
await run("refused", async (lease) => {
  lease.sent(); await lease.observed({ "x-ratelimit-limit-requests": "50" });
  await lease.refused(429, { "retry-after": "7" }, 'slow "down"');
});
await run("partly", async (lease) => {
  lease.sent(); lease.usage({ input_tokens: 10, output_tokens: 20, cache_read_tokens: 1, cache_write_tokens: 2 });
  lease.sent(2); await lease.refused(429, {});
}, 30_000, { requests: 4 });
await run("made", async (lease) => { lease.sent(); lease.progress(7); await lease.refused(529, {}); });
await run("often", async (lease) => { lease.sent(2); lease.usage({ input_tokens: 10, output_tokens: 20 }); });

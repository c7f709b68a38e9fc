// Leases of Relay: call a provider yourself, within the limits that Relay keeps. docs/leases.md has the rules.
//   const pool = new Pool("http://localhost:8787", process.env.RELAY_API_KEY!);
//   await pool.lease({ model: "claude-sonnet-5-5", input_tokens: 1200, max_tokens: 4096 }, async (lease) => {
//     lease.sent(); // an error before this gives all back, one after it is charged
//     const answer = await ask(secrets[lease.granted.key], lease.granted.model); // the secret is in your own store
//     lease.usage({ input_tokens: answer.input, output_tokens: answer.output });
//   }, { maxWaitMs: 300_000 });
// One file, no dependency: Node 22.18 or later, Deno, Bun. Compiled by `tsc`, also Node 20.

export interface Ask {
  model: string; input_tokens?: number; input_bytes?: number; max_tokens?: number; output_tokens?: number;
  provider?: string; session?: string; priority?: "interactive" | "standard" | "batch"; avoid?: string[];
  wait_ms?: number; ttl_ms?: number; requests?: number; partial?: boolean; idempotency_key?: string;
}
export interface Granted {
  lease: string; provider: string; key: string; account: string; model: string; class: string; requests: number;
  reserved: { input_tokens: number; output_tokens: number }; ttl_ms: number;
}
const NONE = { input_tokens: 0, output_tokens: 0, cache_read_tokens: 0, cache_write_tokens: 0, requests: 0 };
const NAMES = Object.keys(NONE) as (keyof typeof NONE)[];
const plain = (headers: HeadersInit) => Object.fromEntries(new Headers(headers));

/** Relay's refusal: its status, its headers, and in `waitMs` the time until a retry, if it told one. */
export class Refused extends Error {
  status: number; headers: Headers; waitMs?: number; passing: boolean;
  constructor(status: number, headers: Headers, body: string) {
    super(`${status}: ${body.slice(0, 500)}`);
    [this.status, this.headers] = [status, headers];
    const told = (name: string) => Number.parseInt(headers.get(name) ?? "", 10);
    this.waitMs = [told("retry-after-ms"), told("retry-after") * 1000].find((ms) => ms >= 0);
    this.passing = status >= 500 && headers.get("x-should-retry") !== "false";
  }
}

export class Pool {
  #url: string; #key: string; #timeoutMs: number;
  constructor(url: string, key: string, timeoutMs = 10_000) {
    [this.#url, this.#key, this.#timeoutMs] = [url.replace(/\/+$/, "") + "/v1/relay/leases", key, timeoutMs];
  }
  /** Runs `work` in a lease, which is renewed meanwhile and always ended. Waits up to `maxWaitMs` for room. */
  async lease<T>(ask: Ask, work: (lease: Lease) => Promise<T>, { maxWaitMs = 60_000 } = {}): Promise<T> {
    const body = { idempotency_key: crypto.randomUUID(), ...ask };
    const lease = new Lease(this, JSON.parse(await this.call("POST", "", body, maxWaitMs)));
    const result = (async () => work(lease))();
    await lease.close(await result.then(() => false, () => true));
    return result;
  }
  /** Waits as told; asks again if no answer came, or a balancer's 5xx. */
  async call(method: string, path: string, body: object, maxWaitMs = 0): Promise<string> {
    const end = Date.now() + maxWaitMs;
    for (let back = 250; ; back = Math.min(2 * back, 5000)) {
      try {
        return await this.#once(method, path, body);
      } catch (failure) {
        const { waitMs, passing } = failure instanceof Refused ? failure : { waitMs: undefined, passing: true };
        if ((waitMs === undefined && !passing) || Date.now() + (waitMs ?? back) > end) throw failure;
        await new Promise((done) => setTimeout(done, waitMs ?? back));
      }
    }
  }
  async #once(method: string, path: string, body: { wait_ms?: number }): Promise<string> {
    const signal = AbortSignal.timeout(this.#timeoutMs + (body.wait_ms ?? 0));
    const headers = { authorization: `Bearer ${this.#key}`, "content-type": "application/json" };
    const answer = await fetch(this.#url + path, { method, headers, signal, body: JSON.stringify(body) });
    if (!answer.ok) throw new Refused(answer.status, answer.headers, await answer.text());
    return answer.text();
  }
}

/** `granted`: Relay's answer. `lost`: Relay has ended the lease, as no renewal reached it within its ttl. */
export class Lease {
  granted: Granted; lost = false; #pool: Pool; #sent = 0; #made = 0; #used = { ...NONE }; #over = false; #timer;
  constructor(pool: Pool, granted: Granted) {
    [this.#pool, this.granted] = [pool, granted];
    this.#timer = setInterval(() => this.#try("POST", "/progress", { output_tokens: this.#made }), granted.ttl_ms / 3);
  }
  sent(requests = 1) { this.#sent += requests; } // call it right before a request goes out
  progress(outputTokens: number) { this.#made = Math.max(this.#made, outputTokens); } // all so far; a renewal tells it
  /** What a request used; `input_tokens` are all, with those of the cache. The calls of a lease add up. */
  usage(used: Partial<typeof NONE>) {
    for (const name of NAMES) this.#used[name] += { requests: 1, ...used }[name] ?? 0;
  }
  /** `observed`: of a good answer, to learn from. `refused`: by the provider, for all replicas; it ends the lease. */
  observed(headers: HeadersInit) { return this.#try("POST", "/observed", { headers: plain(headers) }); }
  refused(status: number, headers: HeadersInit, body = "") {
    const told = { status, headers: plain(headers), body: body.slice(0, 16384) };
    return this.#end("POST", "/refused", { ...told, ...this.#total(true, 1) });
  }
  cancel() { return this.#end("DELETE", "", {}); } // nothing was sent: all is given back
  async close(failed = false) {
    const total = this.#total(failed);
    await (total.requests ? this.#end("POST", "/settle", total) : this.cancel());
  }
  /** A request that was sent and has no usage counts its part of what was reserved; a refused one used nothing. */
  #total(failed: boolean, refused = 0) {
    const { requests, reserved } = this.granted, used = { ...this.#used };
    const known = used.requests + (this.#made > used.output_tokens ? 0 : refused); // unless it made output
    const sent = Math.max(this.#sent, known, this.#made > 0 ? 1 : 0) || (failed ? 0 : requests);
    const part = (n: number) => Math.ceil((n * (sent - known)) / requests);
    if (sent > known) {
      used.input_tokens += part(reserved.input_tokens);
      used.output_tokens = Math.max(this.#made, used.output_tokens + (failed ? 0 : part(reserved.output_tokens)));
    }
    return { ...used, requests: Math.min(sent, requests) };
  }
  async #end(method: string, path: string, body: object) {
    clearInterval(this.#timer);
    if (!this.#over && (this.#over = true)) await this.#try(method, path, body, 10_000);
  }
  async #try(method: string, path: string, body: object, maxWaitMs = 0) { // a failure of Relay is none of the work's
    try {
      await this.#pool.call(method, `/${this.granted.lease}${path}`, body, maxWaitMs);
    } catch (failure) {
      console.warn(`relay: lease at ${this.granted.key}, ${path || method}:`, failure);
      this.lost ||= failure instanceof Refused && failure.status === 404;
      if (this.lost) clearInterval(this.#timer);
    }
  }
}

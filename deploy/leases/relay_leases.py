"""Leases of Relay: call a provider yourself, within the limits that Relay keeps. docs/leases.md has the rules.

    pool = Pool("http://localhost:8787", os.environ["RELAY_API_KEY"])
    with pool.lease("claude-sonnet-5-5", input_tokens=1200, max_tokens=4096, max_wait=300) as lease:
        lease.sent()  # an exception before this gives all back, one after it is charged
        answer = ask(secrets[lease.key], lease.model)  # Relay names the key; its secret is in your own store
        lease.usage(answer.input_tokens, answer.output_tokens)
One file, no dependency, Python 3.9 or later. Threads may share a pool and a lease.
"""
import http.client, json, logging, threading, time, urllib.error, urllib.request, uuid
FAILURES = (OSError, http.client.HTTPException)
USAGE = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "requests")

class Refused(OSError):
    """Relay's refusal: its `status`, its `headers`, and in `wait` the seconds until a retry, if it told them."""
    def __init__(self, status, headers, body):
        super().__init__(f"{status}: {body[:500].decode('utf-8', 'replace')}")
        self.status, self.headers = status, headers
        ms, s = headers.get("retry-after-ms", ""), headers.get("retry-after", "")
        self.wait = int(ms) / 1000 if ms.isdecimal() else int(s) if s.isdecimal() else None
        self.passing = status >= 500 and headers.get("x-should-retry") != "false"

class Pool:
    def __init__(self, url, key, timeout=10):
        self._url, self._key, self._timeout = url.rstrip("/") + "/v1/relay/leases", key, timeout

    def lease(self, model, *, max_wait=60, **ask):
        """Acquires; waits up to `max_wait` seconds for room. `ask` is the rest of the call's body."""
        body = {"idempotency_key": uuid.uuid4().hex, **ask, "model": model}
        return Lease(self, json.loads(self._call("POST", "", body, max_wait)))

    def _call(self, method, path, body, max_wait):  # waits as told; asks again if no answer came, or a balancer's 5xx
        end, back = time.monotonic() + max_wait, 0.25
        while True:
            try:
                return self._once(method, path, body)
            except FAILURES as failure:
                told, passing = getattr(failure, "wait", None), getattr(failure, "passing", True)
                wait, back = back if told is None else told, min(5, 2 * back)
                if (told is None and not passing) or time.monotonic() + wait > end:
                    raise
            time.sleep(wait)

    def _once(self, method, path, body):
        headers = {"authorization": "Bearer " + self._key, "content-type": "application/json"}
        request = urllib.request.Request(self._url + path, json.dumps(body).encode(), headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=self._timeout + body.get("wait_ms", 0) / 1000) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            raise Refused(error.code, error.headers, error.read()) from None

class Lease:
    """`granted`: Relay's answer. `lost`: Relay has ended the lease, as no renewal reached it within its ttl."""
    def __init__(self, pool, granted):
        self._pool, self._path, self.granted = pool, "/" + granted["lease"], granted
        self.key, self.model, self.requests = granted["key"], granted["model"], granted["requests"]
        self.lost, self._over, self._lock = False, threading.Event(), threading.Lock()
        self._sent, self._made, self._used = 0, 0, [0] * 5

    def __enter__(self):
        threading.Thread(target=self._renew, daemon=True).start()
        return self

    def __exit__(self, kind, *_):
        self.close(failed=kind is not None)

    def sent(self, requests=1):  # call it right before a request goes out
        with self._lock:
            self._sent += requests

    def progress(self, output_tokens):  # all of it so far; the next renewal reports it
        self._made = max(self._made, output_tokens)

    def usage(self, input_tokens, output_tokens, cache_read_tokens=0, cache_write_tokens=0, requests=1):
        """What a request used; `input_tokens` are all, with those of the cache. The calls of a lease add up."""
        used = (input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, requests)
        with self._lock:
            self._used = [n + more for n, more in zip(self._used, used)]

    def observed(self, headers):  # of a good answer: Relay learns limits from them
        self._try("POST", "/observed", {"headers": dict(headers)})

    def refused(self, status, headers, body=""):  # by the provider: every replica learns of it; ends the lease
        told = {"status": status, "headers": dict(headers), "body": body[:16384]}
        self._end("POST", "/refused", {**told, **self._total(failed=True, refused=1)})

    def cancel(self):  # nothing was sent: all is given back
        self._end("DELETE", "", {})

    def close(self, failed=False):
        total = self._total(failed)
        self._end("POST", "/settle", total) if total["requests"] else self.cancel()

    def _total(self, failed, refused=0):
        """A request that was sent and has no usage counts its part of what was reserved; a refused one used nothing."""
        *used, known = self._used
        known += refused if self._made <= used[1] else 0  # unless it made output
        sent = max(self._sent, known, self._made > 0) or (0 if failed else self.requests)
        if sent > known:
            part = [-(-self.granted["reserved"][name] * (sent - known) // self.requests) for name in USAGE[:2]]
            used[:2] = used[0] + part[0], max(self._made, used[1] + (0 if failed else part[1]))
        return dict(zip(USAGE, (*used, min(sent, self.requests))))

    def _end(self, method, path, body):
        with self._lock:
            over, _ = self._over.is_set(), self._over.set()
        over or self._try(method, path, body, 10)

    def _try(self, method, path, body, max_wait=0):  # a failure of Relay is none of the work's: it is logged
        try:
            self._pool._call(method, self._path + path, body, max_wait)
        except FAILURES as error:
            logging.getLogger("relay").warning("lease at %s, %s: %s", self.key, path or method, error)
            self.lost = self.lost or getattr(error, "status", 0) == 404

    def _renew(self):
        while not (self.lost or self._over.wait(self.granted["ttl_ms"] / 3000)):
            self._try("POST", "/progress", {"output_tokens": self._made})

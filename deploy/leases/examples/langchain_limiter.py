"""A rate limiter of LangChain that keeps to the limits of Relay, over all processes and together with other clients.

    limiter = RelayLimiter(Pool("http://localhost:8787", os.environ["RELAY_API_KEY"]), "claude-sonnet-5-5", input_tokens=2000)
    model = ChatAnthropic(model="claude-sonnet-5-5", max_retries=0, cache=False, rate_limiter=limiter, callbacks=[limiter])

LangChain does not tell a limiter what it sends, or with which key: give the usual `input_tokens`, and in `avoid` the ids
of all keys but the model's own. The callbacks tell what was really used, or how the provider refused. Retries of the
SDK would escape the limiter: use `model.with_retry()` instead.
"""
import asyncio, collections
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.rate_limiters import BaseRateLimiter
from relay_leases import FAILURES, Pool

CACHE_WRITES = ("cache_creation", "ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens")  # each counted once

class RelayLimiter(BaseRateLimiter, BaseCallbackHandler):
    def __init__(self, pool, model, max_wait=600, ttl_ms=600_000, **ask):
        """`ttl_ms`: longer than any request takes, as these leases are not renewed: one without an end dies by itself."""
        self._pool, self._model, self._max_wait, self._ask = pool, model, max_wait, {"ttl_ms": ttl_ms, **ask}
        self._open = collections.deque()  # leases of one model are alike: an answer settles any of them

    def acquire(self, *, blocking=True):
        try:
            lease = self._pool.lease(self._model, max_wait=self._max_wait if blocking else 0, **self._ask)
        except FAILURES as failure:
            if not blocking and getattr(failure, "status", 0) == 429:
                return False
            failure.is_before_lease = True  # on_llm_error gets it, too
            raise
        lease.sent()
        self._open.append(lease)
        return True

    async def aacquire(self, *, blocking=True):
        return await asyncio.to_thread(self.acquire, blocking=blocking)

    def on_llm_end(self, response, **_):
        lease, used = self._open.popleft(), getattr(response.generations[0][0], "message", None)
        if used := getattr(used, "usage_metadata", None):
            cache = used.get("input_token_details") or {}
            written = sum(cache.get(name) or 0 for name in CACHE_WRITES)
            lease.usage(used["input_tokens"], used["output_tokens"], cache.get("cache_read") or 0, written)
        lease.close()

    def on_llm_error(self, error, **_):
        if hasattr(error, "is_before_lease"):
            return
        lease, answer = self._open.popleft(), getattr(error, "response", None)
        if getattr(answer, "status_code", 0) >= 400:
            lease.refused(answer.status_code, answer.headers, answer.text)
        lease.close(failed=True)

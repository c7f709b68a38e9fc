"""Calls the limiter as LangChain's chat models do, with its two base classes as stubs: langchain_driver.py RELAY KEY."""
import abc, asyncio, sys, types

class BaseRateLimiter(abc.ABC):
    @abc.abstractmethod
    def acquire(self, *, blocking=True): ...
    @abc.abstractmethod
    async def aacquire(self, *, blocking=True): ...

for name, base in (("callbacks", type("BaseCallbackHandler", (), {})), ("rate_limiters", BaseRateLimiter)):
    module = sys.modules["langchain_core." + name] = types.ModuleType(name)
    setattr(module, base.__name__, base)
sys.modules["langchain_core"] = types.ModuleType("langchain_core")

from langchain_limiter import Pool, RelayLimiter
from relay_leases import Refused

def result(**usage):
    message = types.SimpleNamespace(usage_metadata=usage)
    return types.SimpleNamespace(generations=[[types.SimpleNamespace(message=message)]])

limiter = RelayLimiter(Pool(sys.argv[1], sys.argv[2]), "chat", input_tokens=1200, output_tokens=300)
print(limiter.acquire(), asyncio.run(limiter.aacquire()))
limiter.on_llm_end(result(input_tokens=1000, output_tokens=250, input_token_details={"cache_creation": 0, "ephemeral_5m_input_tokens": 400}), run_id=1)
limiter.on_llm_error(TimeoutError("no answer"), run_id=2)
print(limiter.acquire())
refusal = RuntimeError("429")
refusal.response = types.SimpleNamespace(status_code=429, headers={"retry-after": "900"}, text="{}")
limiter.on_llm_error(refusal, run_id=3)
print(limiter.acquire(blocking=False))
try:
    asyncio.run(limiter.aacquire())
except Refused as refused:
    limiter.on_llm_error(refused, run_id=4)
    print(refused.status)

away = RelayLimiter(Pool("http://127.0.0.1:1", "none"), "chat", max_wait=0)
try:
    away.acquire()
except OSError as failure:
    away.on_llm_error(failure, run_id=5)
    print("away")

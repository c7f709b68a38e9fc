-- The circuit breaker of a whole provider, shared by all replicas. It opens when most requests of a short
-- interval failed, on whichever keys, and then admits one trial request at a time. A call without counts only
-- reads its state.
--
-- KEYS  breaker    the breaker, readable: state, failures, successes, since_ms, until_ms, opened
-- ARGV  given      a test's clock in microseconds, '' for Redis TIME
--       failures   requests at which the provider failed since the caller's last report
--       successes  requests at which it did not
--       probe      `ask` to run a trial; the result of one: `good`, `bad` or, if not sent, `back`; else ''
--       caller     the calling replica's id
-- REPLY {1, state, wait_ms, allowed}           state: 0 closed, 1 open, 2 in trial; wait_ms: time until
--                                              another may ask; allowed: 1 if the caller may run a trial
-- COST  one read; one write and one expiry when something was reported or a trial granted
-- @include numbers
local WINDOW_MS = 10000     -- interval in which failures are counted
local LEAST = 10            -- failures that open it, if at least half of all requests failed
local FIRST_PAUSE_MS = 2000 -- doubled with each failed trial
local PAUSE_MS = 60000
local TRY_MS = 30000        -- then another request may try: the first may never end
local KEEP_MS = 600000
local breaker, given, probe, caller = KEYS[1], ARGV[1], ARGV[4], ARGV[5]
local failed, worked = number(ARGV[2], 'failures'), number(ARGV[3], 'successes')
if probe ~= '' and probe ~= 'ask' and probe ~= 'good' and probe ~= 'bad' and probe ~= 'back' then
  error({ err = 'BADARG probe must be ask, good, bad, back or empty' })
end
local micros = given ~= '' and moment(given, 'given')
if not micros then
  local t = redis.call('TIME')
  micros = t[1] * 1e6 + t[2]
end
local now = math.floor(micros / 1000)
local v = redis.call('HMGET', breaker, 'state', 'failures', 'successes', 'since_ms', 'until_ms', 'opened', 'tries')
local state, failures, successes = v[1] or 'closed', tonumber(v[2] or 0), tonumber(v[3] or 0)
local since, till, opened, tries = tonumber(v[4] or 0), tonumber(v[5] or 0), tonumber(v[6] or 0), v[7] or ''
-- after a failover the clock may step back: bound both times by the present
since, till = math.min(since, now), math.min(till, now + PAUSE_MS)
local changed, allowed = failed + worked > 0, 0

local function open()
  local pause = math.min(PAUSE_MS, FIRST_PAUSE_MS * 2 ^ math.min(opened, 10))
  state, till, opened, tries, changed = 'open', now + pause, opened + 1, '', true
end

if state == 'closed' then
  if now - since >= WINDOW_MS then failures, successes, since = 0, 0, now end
  failures, successes = failures + failed, successes + worked
  if failures >= LEAST and failures >= successes then open() end
elseif probe == 'good' then
  state, failures, successes, since, till, opened, tries, changed = 'closed', 0, 0, now, 0, 0, '', true
elseif probe == 'bad' and tries == caller then
  open()
elseif probe == 'back' and tries == caller then
  state, till, tries, changed = 'open', now, '', true
elseif probe == 'ask' and till <= now then
  state, till, tries, allowed, changed = 'half_open', now + TRY_MS, caller, 1, true
end
if changed then
  local function whole(x) return string.format('%.0f', x) end
  redis.call('HSET', breaker, 'state', state, 'failures', whole(failures), 'successes', whole(successes),
    'since_ms', whole(since), 'until_ms', whole(till), 'opened', whole(opened), 'tries', tries)
  redis.call('PEXPIRE', breaker, KEEP_MS)
end
return { 1, state == 'closed' and 0 or state == 'open' and 1 or 2, math.max(0, till - now), allowed }

-- The circuit breaker of a whole provider, shared by all replicas. It opens when most requests of a short
-- interval failed, on whichever keys, and then admits one trial request at a time. Most of the others must
-- have failed, too, when any one source of failures (a client, a model) is left out: one client's bad requests
-- are no failing provider. A call without counts only reads its state.
--
-- KEYS  breaker    the breaker, readable: state, failures, successes, since_ms, until_ms, opened, tries; and
--                  `failures SOURCE`, `successes SOURCE` for each source of failures
-- ARGV  given      a test's clock in microseconds, '' for Redis TIME
--       failures   requests at which the provider failed since the caller's last report
--       successes  requests at which it did not
--       probe      `ask` to run a trial; the result of one: `good`, `bad` or, if not sent, `back`; else ''
--       caller     the calling replica's id
--       ...        for each source of failures: its name, and its part of the failures and the successes
-- REPLY {1, state, wait_ms, allowed}           state: 0 closed, 1 open, 2 in trial; wait_ms: time until
--                                              another may ask; allowed: 1 if the caller may run a trial
-- COST  one read; one write and one expiry when something was reported or a trial granted; one deletion when
--       sources are forgotten
-- @uses wire/numbers
local WINDOW_MS = 10000     -- interval in which failures are counted
local LEAST = 10            -- failures that open it, if at least half of all requests failed
local FIRST_PAUSE_MS = 2000 -- doubled with each failed trial
local PAUSE_MS = 60000
local TRY_MS = 30000        -- then another request may try: the first may never end
local KEEP_MS = 600000
local MOST_SOURCES = 64     -- the failures of further ones are the provider's
local breaker, given, probe, caller = KEYS[1], ARGV[1], ARGV[4], ARGV[5]
local failed, worked = numbers.number(ARGV[2], 'failures'), numbers.number(ARGV[3], 'successes')
if probe ~= '' and probe ~= 'ask' and probe ~= 'good' and probe ~= 'bad' and probe ~= 'back' then
  error({ err = 'BADARG probe must be ask, good, bad, back or empty' })
end
if (#ARGV - 5) % 3 ~= 0 then error({ err = 'BADARG a source has a name, failures and successes' }) end
local reported = {}
for n = 6, #ARGV, 3 do
  reported[#reported + 1] = { ARGV[n], numbers.number(ARGV[n + 1], 'failures'), numbers.number(ARGV[n + 2], 'successes') }
end
local now = numbers.present_ms(given)
local stored, v = redis.call('HGETALL', breaker), {}
local sources, known, forgets = {}, 0, false -- by name: failures, successes
for n = 1, #stored, 2 do
  v[stored[n]] = stored[n + 1]
end
for field, count in pairs(v) do
  local source = string.match(field, '^failures (.+)$')
  if source then
    sources[source], known = { tonumber(count), tonumber(v['successes ' .. source] or 0) }, known + 1
  end
end
local state, failures, successes = v.state or 'closed', tonumber(v.failures or 0), tonumber(v.successes or 0)
local since, till, opened = tonumber(v.since_ms or 0), tonumber(v.until_ms or 0), tonumber(v.opened or 0)
local tries = v.tries or ''
-- after a failover the clock may step back: bound both times by the present
since, till = math.min(since, now), math.min(till, now + PAUSE_MS)
local changed, allowed = failed + worked > 0, 0

local function forget()
  forgets, sources, known = forgets or known > 0, {}, 0
end

local function open()
  local pause = math.min(PAUSE_MS, FIRST_PAUSE_MS * 2 ^ math.min(opened, 10))
  state, till, opened, tries, changed = 'open', now + pause, opened + 1, '', true
  forget()
end

-- At least half of the requests failed, in all and without any one source.
local function failing()
  if failures < LEAST or failures < successes then return false end
  for _, part in pairs(sources) do
    if failures - part[1] < successes - part[2] then return false end
  end
  return true
end

if state == 'closed' then
  if now - since >= WINDOW_MS then
    failures, successes, since = 0, 0, now
    forget()
  end
  failures, successes = failures + failed, successes + worked
  for _, part in ipairs(reported) do
    local source = sources[part[1]]
    if not source and known < MOST_SOURCES then
      source, known = { 0, 0 }, known + 1
      sources[part[1]] = source
    end
    if source then source[1], source[2] = source[1] + part[2], source[2] + part[3] end
  end
  if failing() then open() end
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
  local fields = { 'state', state, 'failures', whole(failures), 'successes', whole(successes),
    'since_ms', whole(since), 'until_ms', whole(till), 'opened', whole(opened), 'tries', tries }
  for source, part in pairs(sources) do
    for n, name in ipairs({ 'failures ', 'successes ' }) do
      fields[#fields + 1] = name .. source
      fields[#fields + 1] = whole(part[n])
    end
  end
  if forgets then redis.call('DEL', breaker) end
  redis.call('HSET', breaker, unpack(fields))
  redis.call('PEXPIRE', breaker, KEEP_MS)
end
return { 1, state == 'closed' and 0 or state == 'open' and 1 or 2, math.max(0, till - now), allowed }

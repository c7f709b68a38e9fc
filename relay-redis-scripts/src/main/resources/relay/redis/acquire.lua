-- Picks keys that can carry requests and reserves the requests on them, or says when one can. Requests
-- that arrive together share a call: they are served in their order, as if each had come alone.
--
-- KEYS  state      the pool's state: records of the pool, its groups and its keys
--       win        the closed slots of the groups' windows
--       leases     leases by id
--       due        when leases are looked at again: those in order
--       later      and all others
--       ...        each request's session, with affinity; else none
-- ARGV  call       `epoch ceiling given lease_ms`: the pool's epoch as the replica knows it; the
--                  latest believable time on the pool's clock in microseconds, 0 if unknown; a test's
--                  clock, - for Redis TIME; time to the leases' deadline
--       requests   number of requests
--       ...        each request: `id input output`: the lease's id, made by the replica, and the tokens
--                  to reserve
--       ...        candidates, highest priority first: `k:<key>`, `g:<group>` of each
-- REPLY {1, time, ...} and of each request five values:
--         1, key, group, input, output         granted
--         0, wait_us, reason, key, 0           no capacity for wait_us; reason: 0 cooldown, 1 requests,
--                                              2 input, 3 output, 4 input + output, 5 concurrency
--         -1, dimension, limit, 0, 0           larger than every group's whole limit
--         -2, 0, 0, 0, 0                       every key is quarantined
--         -4, 0, 0, 0, 0                       this lease has ended already
--       {-3}                                   unknown pool, group or epoch: configure, then ask again
-- COST  one read of 1 + 2n fields for n candidates; a write of 3 and two of the lease a grant; more when
--       a slot closes, a lease expires, or the answer is no
-- @include numbers
-- @include pool
-- @include key
-- @include group
-- @include gate
-- @include choice
-- @include index
-- @include lease
-- @include grant
local state, win, leases, due, later = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local epoch, ceiling, given, lease_us = call_line(ARGV[1])
local requests = number(ARGV[2], 'requests')
local fields = { unpack(ARGV, 3 + requests) }

local v = redis.call('HMGET', state, 'pool', unpack(fields))
local p = v[1] and read_pool(v[1])
if not p or p[EPOCH] ~= epoch then return { -3 } end
for n = 2, #fields + 1 do
  if not v[n] then return { -3 } end
end
local now = pool_time(p, given, ceiling)
if now >= p[SWEEP_AT] then
  sweep(state, leases, due, later, p, now, 16, 1, {})
  v = redis.call('HMGET', state, 'pool', unpack(fields))
end
table.remove(v, 1)

local changed = {}
roll_all(win, p, fields, v, math.floor(now / p[SLOT]), changed)
local reply = { 1, now }
for n = 1, requests do
  local id, input, output = request_line(ARGV[2 + n])
  local session = KEYS[n + 5]
  local favourite = session and redis.call('GET', session) or nil
  local best, want_in, want_out, dimension, limit =
    best_of(p, fields, v, now, input, output, favourite, p[STRATEGY] == RANDOM and seed_of(id))
  local told
  if best then
    told = grant(state, leases, due, later, session, p, id, fields[best], fields[best + 1], v[best], v[best + 1], now,
      lease_us, want_in, want_out, changed)
    if told and n < requests then
      -- the same key or group may stand behind several candidates: the next request sees it charged
      for c, field in ipairs(fields) do v[c] = changed[field] or v[c] end
    end
  end
  told = told or held_by(leases, id)
  if not told then
    local stopped, small = want_in, want_out
    if 2 * stopped == #fields then
      told = { -2, 0, 0, 0, 0 }
    elseif 2 * (stopped + small) == #fields then
      told = { -1, dimension, limit, 0, 0 }
    else
      local opens, reason, opener = soonest(win, p, fields, v, now, input, output)
      told = { 0, math.max(1, wait(opens, now)), reason, opener, 0 }
    end
  end
  for x = 1, 5 do reply[#reply + 1] = told[x] end
end
write_all(state, p, changed)
return reply

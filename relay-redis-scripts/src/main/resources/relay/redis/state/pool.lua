-- The pool's record, field `pool` of the state hash: its clock, its shape and its counters.
-- @uses wire/numbers
local pool = {}
local POOL = '<dddddddddddddddddddddddd'
local EPOCH, OFFSET, LAST, TURN, SWEEP_AT, WINDOW, SLOT, STRATEGY, LIVE, EXPIRED, UNUSED, LOST, FRESH_AT, SHAPED_AT, BUCKET, LAST_DUE, STAMP =
  1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17
local HEARD, DOUBTED = 18, 19 -- a replica's last heartbeat, 0 if all have left; see `pool.time`
local OTHERS = 20 -- the share of each limit that replicas of other versions may use: see fleet/missing_replicas
local KEPT, SLOWED, KEPT_UNTIL = 21, 22, 23 -- for replicas that serve without Redis: see fleet/missing_replicas
local AUTO = 2 -- as BUCKET: each group has its own rule
local DAY = 24 -- 1 if groups have limits a day: see limits/days
local ASKED = 25 -- not stored: how many requests the one is for that is served, see choose/bulk
local POOL_BYTES = 192
local A_DAY_US = 86400e6
local BEHIND_US = 3e4 -- behind a caller's ceiling: it is at most twice ten milliseconds ahead of the time
local KEEP_US = 600e6 -- TTL of an unused pool's state, beyond its window

-- Refuses a record of another size. The names of a state's keys have the number of its form (`RedisKeys.FORM`), so
-- this is a form that was changed without another number.
function pool.check_size(value, bytes, what, state)
  if #value ~= bytes then
    error({ err = string.format('SCHEMA %s has %.0f bytes, this version knows %.0f; after its last use the state ends by itself, or by DEL %s',
      what, #value, bytes, state) })
  end
end

function pool.read(value, state)
  pool.check_size(value, POOL_BYTES, 'a pool', state)
  return { struct.unpack(POOL, value) }
end
function pool.pack(p)
  return struct.pack(POOL, unpack(p, 1, 24))
end

-- The values of a hash's fields, false where there is none.
function pool.values_of(key, fields)
  local values = {}
  for from = 1, #fields, 1000 do -- bound on the arguments of one command
    for n, value in ipairs(redis.call('HMGET', key, unpack(fields, from, math.min(from + 999, #fields)))) do
      values[from + n - 1] = value
    end
  end
  return values
end

-- Parses and checks a script's time arguments, `given` and `ceiling`.
function pool.clock(given, ceiling)
  return given ~= '-' and numbers.moment(given, 'given') or nil, numbers.moment(ceiling, 'ceiling')
end

-- The same for a line, where a pattern has matched the digits of `ceiling`.
function pool.clock_of(given, ceiling)
  return given ~= '-' and numbers.moment(given, 'given') or nil, numbers.bounded_moment(ceiling, 'ceiling')
end

-- What was used of a day outlives the longest day.
function pool.keep_ms(p) return (KEEP_US + 2 * p[WINDOW] + p[DAY] * 2 * A_DAY_US) / 1000 end

-- The pool's own time in microseconds: Redis TIME, made monotonic. If the clock steps back, the pool's time
-- goes on from its last value. If it jumps ahead, the time is capped at `ceiling`: the calling replica's last
-- reading, plus the time measured since, plus 10 ms (0: no reading yet). So a step neither refills a
-- bucket twice nor freezes it. A call that was sent long ago has a ceiling in the past, and sets the time back;
-- the next ceiling shows that, and the time catches up.
--
-- A caller without a ceiling cannot tell a jump from an idle pool. If a replica was alive at the last call, its
-- heartbeat tells the time within a second. Until then the time stays, for no longer than a second. `given` is a
-- test's clock, nil in production.
function pool.time(p, given, ceiling)
  local now, last = given or numbers.server_time(), p[LAST]
  local time = now + p[OFFSET]
  if ceiling > 0 then
    p[DOUBTED] = 0
    if time > ceiling then
      time = ceiling
    elseif time < ceiling - BEHIND_US then
      time = ceiling - BEHIND_US
    end
  elseif time > last + 1e6 and p[HEARD] > math.max(0, last - 3e6) then
    if p[DOUBTED] == 0 or now < p[DOUBTED] then p[DOUBTED] = now end
    if now < p[DOUBTED] + 1e6 then return last end
    p[DOUBTED] = 0
  end
  if time < last then time = last end
  p[OFFSET] = time - now
  p[LAST] = time
  if p[KEPT] > p[OTHERS] and time >= p[KEPT_UNTIL] then p[KEPT], p[SLOWED] = p[OTHERS], math.min(p[SLOWED], p[OTHERS]) end
  return time
end

-- Extends the TTL of the pool's keys.
function pool.keep(p, ...)
  for _, key in ipairs({ ... }) do redis.call('PEXPIRE', key, pool.keep_ms(p)) end
end

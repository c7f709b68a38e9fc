-- The pool's record, field `pool` of the state hash: its clock, its shape and its counters.
-- @uses numbers
local POOL = '<ddddddddddddddddd'
local EPOCH, OFFSET, LAST, TURN, SWEEP_AT, WINDOW, SLOT, STRATEGY, LIVE, EXPIRED, PUBLISHED, LOST, FRESH_AT, SHAPED_AT, BUCKET, LAST_DUE, STAMP =
  1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17
local KEEP_US = 600e6 -- TTL of an unused pool's state, beyond its window

local function read_pool(value) return { struct.unpack(POOL, value) } end
local function pack_pool(p)
  return struct.pack(POOL, unpack(p, 1, 17))
end

-- Parses and checks a script's time arguments, `given` and `ceiling`.
local function clock(given, ceiling)
  return given ~= '-' and moment(given, 'given') or nil, moment(ceiling, 'ceiling')
end

-- The same for a line, where a pattern has matched the digits of `ceiling`.
local function clock_of(given, ceiling)
  return given ~= '-' and moment(given, 'given') or nil, bounded_moment(ceiling, 'ceiling')
end

local function keep_ms(p) return (KEEP_US + 2 * p[WINDOW]) / 1000 end

-- The pool's own time in microseconds: Redis TIME, made monotonic. If the clock steps back, the pool's time
-- goes on from its last value. If it jumps ahead, the time is capped at `ceiling`: the calling replica's last
-- reading, plus the time measured since, plus one second (0: no reading yet). So a step neither refills a
-- bucket twice nor freezes it. `given` is a test's clock, nil in production.
local function pool_time(p, given, ceiling)
  local now = given
  if not now then
    local t = redis.call('TIME')
    now = t[1] * 1e6 + t[2]
  end
  local time = now + p[OFFSET]
  if ceiling > 0 and time > ceiling then time = ceiling end
  if time < p[LAST] then time = p[LAST] end
  p[OFFSET] = time - now
  p[LAST] = time
  return time
end

-- Extends the TTL of the pool's keys.
local function keep(p, ...)
  for _, key in ipairs({ ... }) do redis.call('PEXPIRE', key, keep_ms(p)) end
end

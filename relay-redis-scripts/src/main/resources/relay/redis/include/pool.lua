-- The pool's record, field `pool` of the state hash: its clock, its shape and its counters.
-- @uses numbers
local POOL = '<ddddddddddddddddd'
local EPOCH, OFFSET, LAST, TURN, SWEEP_AT, WINDOW, SLOT, STRATEGY, LIVE, EXPIRED, PUBLISHED, LOST, FRESH_AT, SHAPED_AT, BUCKET, LAST_DUE, STAMP =
  1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17
local KEEP_US = 600e6 -- how long an unused pool's state is kept beyond its window

local function read_pool(value) return { struct.unpack(POOL, value) } end
local function pack_pool(p)
  return struct.pack(POOL, unpack(p, 1, 17))
end

-- Both of a script's arguments about time, checked: `given` and `ceiling`.
local function clock(given, ceiling)
  return given ~= '-' and moment(given, 'given') or nil, moment(ceiling, 'ceiling')
end

-- Likewise of a line, in which a pattern has found the digits of `ceiling`.
local function clock_of(given, ceiling)
  return given ~= '-' and moment(given, 'given') or nil, bounded_moment(ceiling, 'ceiling')
end

local function keep_ms(p) return (KEEP_US + 2 * p[WINDOW]) / 1000 end

-- The pool's own time in microseconds: Redis TIME, made monotone. A clock that stepped back goes on
-- from where it was. A clock that jumped ahead is held at `ceiling`: the calling replica saw this
-- pool's time before, measured how long ago, and allows one second more (0: it never saw it). So
-- neither step refills a bucket twice or freezes it. `given` is a test's clock, nil in production.
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

-- Puts off the end of what would be kept for nobody.
local function keep(p, ...)
  for _, key in ipairs({ ... }) do redis.call('PEXPIRE', key, keep_ms(p)) end
end

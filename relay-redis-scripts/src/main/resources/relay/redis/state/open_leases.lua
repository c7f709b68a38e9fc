-- Leases that last until their holder ends them, through any replica, or until their own time is over. Their ids are
-- `@owner:name`. An owner's open ones are in a sorted set, by deadline, so that they can be counted.
-- @uses state/pool
local open_leases = {}
local MOST_OPEN, HOUR_MS = 10000, 3600e3 -- of an owner; the longest that a lease lasts

function open_leases.lasts(id) return string.byte(id) == 64 end

local function key_of(r, id) return r.leases .. ':' .. string.match(id, '^@[^:]*') end

-- A lease begins, or has a new deadline.
function open_leases.add(r, id, deadline)
  local key = key_of(r, id)
  redis.call('ZADD', key, deadline, id)
  redis.call('PEXPIRE', key, pool.keep_ms(r.pool) + HOUR_MS)
end

function open_leases.remove(r, id) redis.call('ZREM', key_of(r, id), id) end

-- Whether an owner may open no more.
function open_leases.are_too_many(r, id, now)
  local key = key_of(r, id)
  if redis.call('ZCARD', key) < MOST_OPEN then return false end
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
  return redis.call('ZCARD', key) >= MOST_OPEN
end

-- A lease's record, a string of its own: `lease:<id>`. One that has ended stays a while as a
-- tombstone, so that a duplicate or a latecomer finds it and does nothing.
-- @uses key, group
local LEASE = '<dddddss' -- time, slot, requests, input, output of the charge; key; group
local TOMB, TOMB_MS = 'ended', '30000'

-- The lease's name in the set of live ones, readable in redis-cli.
local function live_name(id, key, group) return id .. ' ' .. key .. ' ' .. group end

-- Ends up to `most` leases whose deadline has passed: their concurrency comes back, their tokens stay
-- charged until they age out. `SWEEP_AT` is never later than the first deadline, so a call that has
-- nothing to sweep asks nothing.
local function sweep(state, leases, p, now, most)
  if now < p[SWEEP_AT] then return end
  local late = redis.call('ZRANGEBYSCORE', leases, '-inf', now, 'LIMIT', 0, most)
  for _, name in ipairs(late) do
    local key, group = string.match(name, '^%S+ (%S+) (%S+)$')
    local v = redis.call('HMGET', state, 'k:' .. key, 'g:' .. group)
    if v[1] then
      local k = read_key(v[1])
      k[K_FLIGHT] = k[K_FLIGHT] - 1
      redis.call('HSET', state, 'k:' .. key, pack_key(k))
    end
    if v[2] then
      local g = read_group(v[2])
      g[FLIGHT] = g[FLIGHT] - 1
      redis.call('HSET', state, 'g:' .. group, pack_group(g))
    end
    redis.call('ZREM', leases, name)
  end
  p[LIVE], p[EXPIRED] = p[LIVE] - #late, p[EXPIRED] + #late
  if #late < most then
    local first = redis.call('ZRANGE', leases, 0, 0, 'WITHSCORES')
    p[SWEEP_AT] = first[2] and tonumber(first[2]) or now + 1e6
  end
end

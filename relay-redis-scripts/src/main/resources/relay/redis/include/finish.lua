-- Ends a lease: its concurrency comes back and its charge becomes what it really cost. More than was
-- reserved goes to the present slot, less goes back to where it was charged. One that expired before
-- has given its concurrency back already.
-- @uses numbers, pool, key, group, refund, lease

-- `requests`, `input` and `output` are the real cost. Returns the reply.
local function finish(state, win, leases, lease, id, ceiling_text, given_text, requests, input, output)
  local given, ceiling = clock(given_text, ceiling_text)
  local held = redis.call('GET', lease)
  if held == TOMB then return { 0 } end
  if not held then return { -3 } end
  local since, slot, r, i, o, key, group = struct.unpack(LEASE, held)
  local v = redis.call('HMGET', state, 'pool', 'k:' .. key, 'g:' .. group)
  if not (v[1] and v[2] and v[3]) then return { -3 } end
  local p, k, g = read_pool(v[1]), read_key(v[2]), read_group(v[3])
  local now = pool_time(p, given, ceiling)
  roll(win, p, g, group, math.floor(now / p[SLOT]))
  flow(p, g, now)
  local over_in, over_out = math.max(0, input - i), math.max(0, output - o)
  charge(g, math.max(0, requests - r), over_in, over_out)
  refund(win, p, g, group, since, slot, now, math.max(0, r - requests), math.max(0, i - input), math.max(0, o - output))
  if input + output > 0 then g[STRIKES] = 0 end
  if redis.call('ZREM', leases, live_name(id, key, group)) == 1 then
    k[K_FLIGHT], g[FLIGHT], p[LIVE] = k[K_FLIGHT] - 1, g[FLIGHT] - 1, p[LIVE] - 1
  end
  redis.call('HSET', state, 'pool', pack_pool(p), 'k:' .. key, pack_key(k), 'g:' .. group, pack_group(g))
  redis.call('SET', lease, TOMB, 'PX', TOMB_MS)
  return { 1, now, over_in, over_out }
end

-- How settle ends a lease.
-- @uses numbers, pool, key, group, records, refund, lease

-- `ceiling given`
local function call_time(text)
  local ceiling, given = string.match(text, '^(%S+) (%S+)$')
  return clock(given or '', ceiling)
end

-- `id requests input output`: the id and the three of the cost.
local function end_line(text)
  local id, requests, input, output = string.match(text, '^(%S+) (%d+) (%d+) (%d+)$')
  if not id then error({ err = 'BADARG a lease is `id requests input output`, whole numbers' }) end
  return id, { bounded(requests, 'requests'), bounded(input, 'input'), bounded(output, 'output') }
end

-- Replaces a lease's charge by its cost in the records of its key and group. Gives the tombstone, the
-- tokens beyond the reservation, and both records; nil if the key or the group is unknown.
local function finish(r, record, cost, now)
  local p = r.pool
  local key, group, since, reserved, i, o, deadline, standing = struct.unpack(LEASE, record)
  local k, g = key_of(r, key), group_of(r, group)
  if not (k and g) then return end
  local requests, input, output = cost[1], cost[2], cost[3]
  roll(r.win, p, g, math.floor(now / p[SLOT]))
  flow(p, g, now)
  local over_in, over_out = input > i and input - i or 0, output > o and output - o or 0
  if requests > reserved or over_in + over_out > 0 then
    charge(g, requests > reserved and requests - reserved or 0, over_in, over_out)
  end
  if reserved > requests or i > input or o > output then
    refund(r.win, p, g, since, math.floor(since / p[SLOT]), now, reserved > requests and reserved - requests or 0,
      i > input and i - input or 0, o > output and o - output or 0)
  end
  if input + output > 0 then g[STRIKES] = 0 end
  if standing ~= EXPIRED_LEASE then
    k[K_FLIGHT], g[FLIGHT], p[LIVE] = k[K_FLIGHT] - 1, g[FLIGHT] - 1, p[LIVE] - 1
  end
  change(r, k)
  change(r, g)
  -- the list holds it at its deadline, unless that has changed
  return struct.pack(TOMB, 'ended', now, standing == FRESH and deadline or 0), over_in, over_out, k, g
end

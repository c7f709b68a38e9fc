-- How settle ends a lease.
-- @uses numbers, pool, key, group, records, refund, lease

-- `ceiling given`, and where the line goes on.
local function call_time(line)
  local ceiling, given, at = string.match(line, '^(%d+) (%S+)()')
  if not at then error({ err = 'BADARG a call begins with `ceiling given`' }) end
  local time, most = clock_of(given, ceiling)
  return time, most, at
end

-- ` requests input output`, and where the line goes on.
local function cost_at(line, at)
  local requests, input, output, next_at = string.match(line, '^ (%d+) (%d+) (%d+)()', at)
  if not next_at then error({ err = 'BADARG a cost is `requests input output`, whole numbers' }) end
  return bounded(requests, 'requests'), bounded(input, 'input'), bounded(output, 'output'), next_at
end

-- Replaces a lease's charge by its cost in the records of its key and group. Gives the tombstone, the
-- tokens beyond the reservation, and both records; nil if the key or the group is unknown.
local function finish(r, record, requests, input, output, now)
  local p = r.pool
  local key, group, since, reserved, i, o, deadline, standing = struct.unpack(LEASE, record)
  local k, g = key_of(r, key), group_of(r, group)
  if not (k and g) then return end
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

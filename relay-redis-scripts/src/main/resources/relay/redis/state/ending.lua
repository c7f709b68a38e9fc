-- Ending leases, for settle and the acquire scripts.
-- @uses wire/numbers, state/pool, state/quota_group, state/records, state/ring, state/lease, state/open_leases, limits/days
-- @uses limits/refund, limits/expected, limits/foreign_use, choose/ready_sets
local ending = {}

-- Parses `ceiling given`; the last result is the position of the rest.
function ending.call_time(line)
  local ceiling, given, at = string.match(line, '^(%d+) (%S+)()')
  if not at then error({ err = 'BADARG a call begins with `ceiling given`' }) end
  local time, most = pool.clock_of(given, ceiling)
  return time, most, at
end

-- Parses the costs of `count` leases, ` requests input output` for each; with an x before it of a lease that lasts and ends for
-- good, then `closed` has its place. The last result is the position of the rest.
function ending.costs_at(line, at, count)
  local costs = { 0, 0, 0 }
  for n = 1, 3 * count, 3 do
    local requests, input, output, next_at = string.match(line, '^ (%d+) (%d+) (%d+)()', at)
    if not next_at then
      requests, input, output, next_at = string.match(line, '^ x(%d+) (%d+) (%d+)()', at)
      costs.closed = costs.closed or {}
      costs.closed[n] = true
    end
    if not next_at then error({ err = 'BADARG a cost is `requests input output`, whole numbers' }) end
    costs[n], costs[n + 1], costs[n + 2], at =
      numbers.bounded(requests, 'requests'), numbers.bounded(input, 'input'), numbers.bounded(output, 'output'), next_at
  end
  return costs, at
end

-- Replaces a lease's charge by its cost in a group's record. Returns the tokens beyond the reservation.
local function correct(r, g, now, since, reserved, i, o, made, rest, spread, told, requests, input, output, died)
  local p = r.pool
  local slot = math.floor(now / p[SLOT])
  if g[RECENT] < slot then ring.roll(r.win, p, g, slot) end
  quota_group.flow(p, g, now)
  local over_in, over_out = input > i and input - i or 0, output > o and output - o or 0
  local more, less = over_out, o > output and o - output or 0 -- than was charged at admission
  if rest ~= NOT_COMING then more, less = 0, 0 end
  local new_in, new_out = over_in, more
  if over_in + more > 0 then
    new_in, new_out = foreign_use.not_told(p, g, 2, over_in, since, now), foreign_use.not_told(p, g, 3, more, since, now)
  end
  if requests > reserved or new_in + new_out > 0 then
    quota_group.charge(g, requests > reserved and requests - reserved or 0, new_in, new_out)
  end
  if (reserved > requests or i > input or less > 0) and not (died and refund.has_left(p, g, since)) then
    refund.refund(r.win, p, g, since, math.floor(since / p[SLOT]), reserved > requests and reserved - requests or 0,
      i > input and i - input or 0, less)
  end
  if rest ~= NOT_COMING then
    expected.expect_output(r.win, p, g, now, since, told, foreign_use.new_of(p, g, output - made, rest, 0, told, now), rest, 0, spread, 0)
  end
  if p[DAY] == 1 then days.settle(r, g, since, now, requests - reserved, input + output - i - o) end
  if input + output > 0 then g[STRIKES] = 0 end
  records.change(r, g)
  return over_in + over_out
end

-- Output that reports have counted beyond a reservation, and that was not made: gives it back where the last report counted it.
-- Returns the output that is charged then.
local function give_back(r, g, now, reserved, made, output, told, died)
  local less = math.min(made - reserved, math.max(0, made - output))
  local slot = math.floor(now / r.pool[SLOT])
  while g and less > 0 do
    if g[RECENT] < slot then ring.roll(r.win, r.pool, g, slot) end
    quota_group.flow(r.pool, g, now)
    if not (died and refund.has_left(r.pool, g, told)) then
      refund.refund(r.win, r.pool, g, told, math.floor(told / r.pool[SLOT]), 0, 0, less)
    end
    if r.pool[DAY] == 1 then days.settle(r, g, told, now, 0, -less) end
    g = records.above(r, g)
  end
  return made - less
end

-- Replaces a lease's charge by its cost in the records of its key and groups. Returns the tokens beyond the
-- reservation; nil if the key or the group is unknown, or it died before what ends it for good. The settlement of one that lasts
-- may come long after its death: what has left the window then is not given back to the pacer, whose debt of it has flown off.
-- The cost is in `costs` after the place `c`.
local function finish(r, id, record, costs, c, now, from, sets)
  local p, requests, input, output = r.pool, costs[c + 1], costs[c + 2], costs[c + 3]
  local key, group, since, reserved, i, o, deadline, standing, made, rest, spread, told = struct.unpack(lease.LEASE, record)
  local k, g = records.key(r, key), records.group(r, group)
  if not (k and g) then return end
  local lasts, died, closes = standing ~= FRESH and open_leases.lasts(id), nil, nil
  if lasts then
    died, closes = deadline <= now, costs.closed and costs.closed[c + 1]
    if died and closes then return end
  end
  if rest == NOT_COMING and made > o then o = give_back(r, g, now, o, made, output, told, died) end
  local beyond = correct(r, g, now, since, reserved, i, o, made, rest, spread, told, requests, input, output, died)
  local over = g.above and records.above(r, g)
  if over then correct(r, over, now, since, reserved, i, o, made, rest, spread, told, requests, input, output, died) end
  if standing ~= EXPIRED_LEASE then
    p[LIVE] = p[LIVE] - 1
    lease.hold_place(r, k, g, -1)
  else
    records.change(r, k)
  end
  ready_sets.reopen(r, group, key, from, sets)
  -- it is in the list `due` at its deadline, unless the deadline has changed
  local word = 'ended'
  if lasts then
    if closes or requests == 0 then word = 'never' end
    open_leases.remove(r, id)
  end
  lease.put(r, id, struct.pack(lease.TOMB, word, now, standing == FRESH and deadline or 0))
  return beyond
end

-- Ends the leases with the ids `first` to `last`, and writes each result into the reply, from the third value
-- on. `sets` holds the ready sets of an indexed pool from index `from` on. Returns whether anything has
-- changed.
function ending.end_all(r, ids, first, last, costs, now, from, sets, reply)
  local held, changed = r.held, false
  for n = first, last do
    local id, c = ids[n], 3 * (n - first)
    local record, told = held[id], nil
    if record and lease.is_tomb(record) then
      told = lease.is_closed(record) and -3 or -4
    elseif record then
      told = finish(r, id, record, costs, c, now, from, sets)
      if told then changed = true end
    elseif costs[c + 1] == 0 then
      lease.bury(r, id, now)
      changed = true
    end
    reply[n - first + 3] = told or -3
  end
  return changed
end

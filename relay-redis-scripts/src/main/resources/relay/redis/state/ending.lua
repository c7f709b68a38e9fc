-- Ending leases, for settle and the acquire scripts.
-- @uses wire/numbers, state/pool, state/quota_group, state/records, state/ring, state/lease, state/lease_record, state/open_leases
-- @uses limits/days, limits/refund, limits/expected, limits/foreign_use, choose/ready_sets
local ending = {}

-- Parses `ceiling given`; the last result is the position of the rest.
function ending.call_time(line)
  local ceiling, given, at = string.match(line, '^(%d+) (%S+)()')
  if not at then error({ err = 'BADARG a call begins with `ceiling given`' }) end
  local time, most = pool.clock_of(given, ceiling)
  return time, most, at
end

-- Parses the costs of `count` leases, ` requests input output` for each: a table with these three. An x before it is of a lease that
-- lasts and ends for good: then it is `closed`. The last result is the position of the rest.
function ending.costs_at(line, at, count)
  local costs = {}
  for n = 1, count do
    local requests, input, output, next_at = string.match(line, '^ (%d+) (%d+) (%d+)()', at)
    local closed = not next_at
    if closed then requests, input, output, next_at = string.match(line, '^ x(%d+) (%d+) (%d+)()', at) end
    if not next_at then error({ err = 'BADARG a cost is `requests input output`, whole numbers' }) end
    costs[n], at = { numbers.bounded(requests, 'requests'), numbers.bounded(input, 'input'), numbers.bounded(output, 'output') }, next_at
    if closed then costs[n].closed = true end
  end
  return costs, at
end

-- Replaces a lease's charge by its cost in a group's record. `charged`: the output that is charged. Returns the tokens beyond the
-- reservation.
local function correct(r, g, l, charged, cost, now, died)
  local p, since, reserved, i, rest = r.pool, l[L_SINCE], l[L_REQUESTS], l[L_INPUT], l[L_REST]
  local requests, input, output = cost[1], cost[2], cost[3]
  local slot = math.floor(now / p[SLOT])
  if g[RECENT] < slot then ring.roll(r.win, p, g, slot) end
  quota_group.flow(p, g, now)
  local over_in, over_out = input > i and input - i or 0, output > charged and output - charged or 0
  local more, less = over_out, charged > output and charged - output or 0 -- than was charged at admission
  if rest ~= NOT_COMING then more, less = 0, 0 end
  local new_in, new_out = over_in, more
  if over_in + more > 0 then
    new_in, new_out = foreign_use.not_charged(p, g, 2, over_in, since, now), foreign_use.not_charged(p, g, 3, more, since, now)
  end
  if requests > reserved or new_in + new_out > 0 then
    quota_group.charge(g, requests > reserved and requests - reserved or 0, new_in, new_out)
  end
  if (reserved > requests or i > input or less > 0) and not (died and refund.has_left(p, g, since)) then
    refund.refund(r, g, since, reserved > requests and reserved - requests or 0, i > input and i - input or 0, less)
  end
  if rest ~= NOT_COMING then
    local reported_at, spread = l[L_REPORTED_AT], l[L_SPREAD]
    local made = foreign_use.new_of(p, g, output - l[L_MADE], -rest, reported_at, now)
    expected.count_made(r, g, since, reported_at, made, now)
    expected.expect(g, -rest, -spread * spread, made)
  end
  if p[DAY] == 1 then days.settle(r, g, since, now, requests - reserved, input + output - i - charged) end
  if input + output > 0 then g[STRIKES] = 0 end
  records.change(r, g)
  return over_in + over_out
end

-- Output that reports have counted beyond a reservation, and that was not made: gives it back where the last report counted it.
-- Returns the output that is charged then.
local function give_back(r, g, l, output, now, died)
  local made, reported_at = l[L_MADE], l[L_REPORTED_AT]
  local less = math.min(made - l[L_OUTPUT], math.max(0, made - output))
  local slot = math.floor(now / r.pool[SLOT])
  while g and less > 0 do
    if g[RECENT] < slot then ring.roll(r.win, r.pool, g, slot) end
    quota_group.flow(r.pool, g, now)
    if not (died and refund.has_left(r.pool, g, reported_at)) then refund.refund(r, g, reported_at, 0, 0, less) end
    if r.pool[DAY] == 1 then days.settle(r, g, reported_at, now, 0, -less) end
    g = records.above(r, g)
  end
  return made - less
end

-- A worker's lease ends by a provider's refusal. If its worker has reported output before, but tells no use now, the lease keeps its
-- charge, as after the worker's death: this writes the charge into the cost.
local function keep(l, cost)
  local made, output = l[L_MADE], l[L_OUTPUT]
  if not cost.closed or cost[1] == 0 or cost[2] + cost[3] > 0 or made == 0 then return end
  cost[1], cost[2], cost[3], cost.kept = l[L_REQUESTS], l[L_INPUT], l[L_REST] == NOT_COMING and math.max(output, made) or made, true
end

-- Replaces a lease's charge by its cost in the records of its key and groups. Returns the tokens beyond the
-- reservation; nil if the key or the group is unknown, or it died before what ends it for good. The settlement of one that lasts
-- may come long after its death: what has left the window then is not given back to the pacer, whose debt of it has flown off.
local function finish(r, id, record, cost, now)
  local p, l = r.pool, lease.read(record)
  local k, g = records.key(r, l[L_KEY]), records.group(r, l[L_GROUP])
  if not (k and g) then return end
  local lasts, died = l[L_STATE] ~= FRESH and open_leases.lasts(id), nil
  if lasts then
    died = l[L_DEADLINE] <= now
    if died and cost.closed then return end
    keep(l, cost)
  end
  local charged = l[L_OUTPUT]
  if l[L_REST] == NOT_COMING and l[L_MADE] > charged then charged = give_back(r, g, l, cost[3], now, died) end
  local beyond = correct(r, g, l, charged, cost, now, died)
  local over = g.above and records.above(r, g)
  if over then correct(r, over, l, charged, cost, now, died) end
  if l[L_STATE] ~= EXPIRED_LEASE then
    p[LIVE] = p[LIVE] - 1
    lease.count_in_flight(r, k, g, -1)
  else
    records.change(r, k)
  end
  ready_sets.reopen(r, l[L_GROUP], l[L_KEY])
  local word = 'ended'
  if lasts then
    if cost.closed then word = 'never' end
    open_leases.remove(r, id)
  end
  lease.end_as(r, id, l, word, now)
  return beyond
end

-- Ends the leases with the ids from `first` on, one for each cost, and writes each result into the reply, from the third value
-- on. Returns whether anything has changed.
function ending.end_all(r, ids, first, costs, now, reply)
  local held, changed = r.held, false
  for n, cost in ipairs(costs) do
    local id = ids[first + n - 1]
    local record, result = held[id], nil
    if record and lease.is_tomb(record) then
      result = lease.is_closed(record) and -3 or -4
    elseif record then
      result = finish(r, id, record, cost, now)
      if result then changed = true end
    elseif cost[1] == 0 then
      lease.bury(r, id, now)
      changed = true
    end
    reply[n + 2] = result or -3
  end
  return changed
end

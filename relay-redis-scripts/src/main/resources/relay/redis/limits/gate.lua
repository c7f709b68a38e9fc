-- Whether a group can carry a request, and if not, when.
-- @uses state/pool, state/pool_key, state/quota_group, limits/expected, limits/expiry
local gate = {}
local COMING_US = 1e6

-- The bound on the pacer's debt in one dimension. It shrinks as the window fills, down to nothing, where the group has its credit:
-- `saved`. So an idle group may use half its limit at once, and a pause that is longer than the credit is made up by about half; the
-- rest fills the gap that it leaves one window later. A mirrored bucket has no window: its debt may rise to nearly its documented
-- size. `shrunk` is 1 unless the provider refused a burst: then the burst it admits is a bound as well, and the extra room for a
-- second large request is reduced. `burst` already includes `shrunk`.
function gate.headway(bucket, cost, limit, used, saved, burst, shrunk)
  if bucket then return math.max(math.min(0.95 * shrunk, burst) * limit, cost) end
  local free = math.max(0, burst / shrunk * (limit - used))
  return math.max(math.min(burst * limit, free), cost * (1 + math.min(1, 4 * shrunk)) - saved)
end

-- What the pacer says of a cost: nil if it does not pass now, else the share of the limit that a mirrored bucket lacks then,
-- or 0.
local function paced_load(p, g, d, cost, limit, used, now)
  local level = quota_group.debt_at(p, g, d, now)
  local burst, shrunk = quota_group.burst_of(g[BURST], g[SHRUNK], g[SHRUNK_AT], now)
  if g[MIRRORED] > 0 then
    local debt = level > 0 and level + cost or cost
    return debt <= gate.headway(true, cost, limit, used, 0, burst, shrunk) and debt / limit or nil
  end
  local debt, saved = level + cost, quota_group.credit(g, d, g[LIMIT + d], limit - used)
  return debt <= gate.headway(false, cost, limit, used, saved, burst, shrunk) and 0 or nil
end

-- The share of the fullest limit in use after adding a request; more than 1 if a window has no room for it. `free`: the share
-- of each window that is not kept free. `left`: the share that this request must leave to others.
function gate.load_of(k, g, free, left, input, output, asked)
  local l1, l2, l3, l4, u1, u2, u3, _, _, _, _, coming, leaves, strict = unpack(g, LIMIT + 1, STRICT)
  local most, load = k[K_MAX], 0
  if left > 0 then u1, u2, u3 = expected.used_with_left(g, left) end
  if free < 1 then l1, l2, l3, l4 = l1 * free, l2 * free, l3 * free, l4 * free end
  if most > 0 then load = (k[K_FLIGHT] + 1) / most end
  if l1 > 0 then
    local x = (u1 + asked) / l1
    if x > load then load = x end
  end
  if l2 > 0 and input > 0 then
    local x = (u2 + input) / l2
    if x > load then load = x end
  end
  if l3 == 0 and l4 == 0 then return load end
  local to_come, spare = coming + output, strict > 0 and expected.margin(g, 3) or 0 -- see `expected.full_with`
  if leaves > 1 then leaves = 1 end
  if l3 > 0 and output > 0 then
    local rest = to_come - u3 * leaves
    local x = ((rest > 0 and u3 + rest or u3) + spare) / l3
    if x > load then load = x end
  end
  if l4 > 0 and input + output > 0 then
    local u4 = u2 + u3
    local rest = to_come - u4 * leaves
    local x = (u4 + input + (rest > 0 and rest or 0) + spare) / l4
    if x > load then load = x end
  end
  return load
end

-- Input and output as this group counts them. An estimate of up to twice a limit is clamped to the limit, or a
-- small limit could never admit it. Above that: nil, the dimension and its limit.
function gate.clamp(input, output, limit_in, limit_out, limit_all)
  if limit_in > 0 and input > limit_in then
    if input > 2 * limit_in then return nil, 2, limit_in end
    input = limit_in
  end
  if limit_out > 0 and output > limit_out then
    if output > 2 * limit_out then return nil, 3, limit_out end
    output = limit_out
  end
  if limit_all > 0 and input + output > limit_all then
    if input + output > 2 * limit_all then return nil, 4, limit_all end
    input = math.min(input, limit_all)
    output = limit_all - input
  end
  return input, output
end

-- Whether a group's pacer admits a request that is not larger than its limits, and that its windows have room for. `left` as for
-- `look`. `load`: that of the fullest window. Returns the load of the fullest dimension; nil if it does not.
function gate.paced(p, g, now, left, input, output, load)
  local bucket, asked = g[MIRRORED] > 0, p[ASKED]
  local burst, shrunk, shrunk_at, l1, l2, l3, l4, u1, u2, u3, d1, d2, d3, d4 = unpack(g, BURST, LEVEL + 4)
  local kept = bucket and p[OTHERS] or p[KEPT]
  if left > 0 then u1, u2, u3 = expected.used_with_left(g, left) end
  if kept > 0 then
    local free = 1 - kept
    l1, l2, l3, l4 = l1 * free, l2 * free, l3 * free, l4 * free
  end
  if shrunk < 1 then burst = quota_group.burst_of(burst, shrunk, shrunk_at, now) end
  -- The debt only falls over time. If even the last recorded debt passes the pacer, its decay since does not
  -- matter. This is the usual case.
  local both, room, x = input + output, bucket and 0 or burst, 0
  if l1 > 0 and d1 + asked > room * (l1 - u1) then
    x = paced_load(p, g, 1, asked, l1, u1, now)
    if not x then return elseif x > load then load = x end
  end
  if l2 > 0 and input > 0 and d2 + input > room * (l2 - u2) then
    x = paced_load(p, g, 2, input, l2, u2, now)
    if not x then return elseif x > load then load = x end
  end
  if l3 > 0 and output > 0 and d3 + output > room * (l3 - u3) then
    x = paced_load(p, g, 3, output, l3, u3, now)
    if not x then return elseif x > load then load = x end
  end
  if l4 > 0 and both > 0 and d4 + both > room * (l4 - (u2 + u3)) then
    x = paced_load(p, g, 4, both, l4, u2 + u3, now)
    if not x then return elseif x > load then load = x end
  end
  return load
end

-- Checks whether a candidate can carry a request. `ring.roll` must have run up to now. `left`: the share that this request must leave
-- to others.
-- 1: it can: load of the fullest dimension with the request, input, output
-- 0: it cannot now
-- 2: its key is quarantined
-- 3: the request is larger than a limit: dimension, limit
function gate.look(p, k, g, now, left, input, output)
  if k[K_STOPPED] > 0 then return 2 end
  local l1, l2, l3, l4, asked, load = g[LIMIT + 1], g[LIMIT + 2], g[LIMIT + 3], g[LIMIT + 4], p[ASKED], nil
  if asked > 1 and l1 > 0 and asked > l1 then return 3, 1, l1 end
  if (l2 > 0 and input > l2) or (l3 > 0 and output > l3) or (l4 > 0 and input + output > l4) then
    local dimension, limit
    input, dimension, limit = gate.clamp(input, output, l2, l3, l4)
    if not input then return 3, dimension, limit end
    output = dimension
  end
  if k[K_COOL] > now or g[COOL] > now then return 0 end
  if g[MIRRORED] > 0 then
    load = k[K_MAX] > 0 and (k[K_FLIGHT] + 1) / k[K_MAX] or 0
  else
    load = gate.load_of(k, g, 1 - p[KEPT], left, input, output, asked)
  end
  if load > 1 then return 0 end
  load = gate.paced(p, g, now, left, input, output, load)
  if not load then return 0 end
  return 1, load, input, output
end

-- The first time from `least` on at which one dimension can take the cost with the burst of then, without further traffic. If it is
-- beyond `most`, any time beyond `most` is returned. Also returns the part of the burst that the provider admits then.
local function opens_from(r, g, least, most, d, cost, later)
  local p, limit, used = r.pool, g[LIMIT + d], quota_group.used_of(g, d)
  local burst, shrunk = quota_group.burst_of(g[BURST], g[SHRUNK], g[SHRUNK_AT], least)
  local rate = limit / quota_group.refill_us(p, g)
  if g[MIRRORED] > 0 then
    local excess = g[LEVEL + d] + cost - gate.headway(true, cost, limit * (1 - p[OTHERS]), used, 0, burst, shrunk)
    return excess > 0 and math.max(least, g[AT] + math.ceil(excess / rate) + 1) or least, shrunk
  end
  limit = limit * (1 - p[KEPT])
  local free = expected.margin(g, d)
  if expected.full_with(g, d, used, cost, later) + free <= limit and g[LEVEL + d] + cost <= burst * (limit - used) then
    return least, shrunk -- as in `gate.paced`: even the last debt passes, which is the usual case
  end
  return expiry.first(r.win, p, g, {
    d = d, cost = cost, later = later, limit = limit, rate = rate, least = least, most = most, free = free,
    burst = burst, shrunk = shrunk, headway = gate.headway,
  }, used), shrunk
end

-- The first time at which one dimension can take the cost without further traffic. If a part of the burst
-- returns before that time, the time is computed again with the larger burst. If even an
-- empty window had no room beside the output that is still to come, the time is unknown: a second is told.
local function of_dimension(r, g, now, most, d, cost, later)
  if g[LIMIT + d] == 0 or cost == 0 then return now end
  if g[MIRRORED] == 0 and expected.full_with(g, d, 0, cost, later) + expected.margin(g, d) > g[LIMIT + d] * (1 - r.pool[KEPT]) then
    return now + COMING_US
  end
  local least = now
  while true do
    local opens, shrunk = opens_from(r, g, least, most, d, cost, later)
    if shrunk == 1 then return opens end
    local larger_at = g[SHRUNK_AT] + (math.floor(math.max(0, least - g[SHRUNK_AT]) / HOUR_US) + 1) * HOUR_US
    if opens < larger_at then return opens end
    least = larger_at
  end
end

-- The wait for a reply: at most 10^15 us, because the debt of very many limits would overflow an integer.
function gate.wait(opens, now) return math.max(0, math.min(1e15, opens - now)) end

-- The first time at which the whole group can take a request, and the deciding dimension (0: its cooldown). A
-- time beyond `most` may be later than the first.
function gate.group_opens(r, g, now, most, input, output)
  local opens, reason = math.max(now, g[COOL]), 0
  local costs = { r.pool[ASKED], input, output, input + output }
  for d = 1, 4 do
    local at = of_dimension(r, g, now, most, d, costs[d], d >= 3 and output or 0)
    if at > opens then opens, reason = at, d end
  end
  return opens, reason
end

-- What those before a request in the queue need, and when it fits behind them.
-- @uses pool, key, group, records, gate, days, choice, line
local NEAR = 16 -- promises: behind no more of them a time is exact
local IN_A_ROW = 4 -- retry times in a row that are estimated; the next one is exact
local MARGIN = 1 -- slots: so much later, for charges leave by slots

-- The time in which a whole limit comes back. Charges leave a window in slots.
function line.cycle(p)
  return p[BUCKET] == 1 and refill_us(p) or math.max(refill_us(p), (SLOTS + 1) * p[SLOT])
end

-- What is promised before a request, by group; nil if nothing is.
function line.sums_before(l, count)
  local order, sums = l.order, {}
  if count == 0 then return nil end
  if 2 * count <= #order then
    for n = 1, count do line.add(sums, order[n], 1) end
    return sums
  end
  for group, sum in pairs(l.sums) do sums[group] = { sum[1], sum[2], sum[3] } end
  for n = count + 1, #order do line.add(sums, order[n], -1) end
  return sums
end

local NOTHING = { 0, 0, 0 }

-- Charges a group with the promises before a request, until `leave`. Leaves out `rounds` whole limits of that sum: the
-- caller adds the time in which they come back.
function line.pretend(r, ask, g, rounds)
  local mirrored, kept, saved = r.pool[BUCKET] == 1, ask.kept, ask.saved or {}
  ask.saved = saved
  local sum = ask.sums and ask.sums[g] or NOTHING
  local l1, l2, l3, l4 = g[LIMIT + 1], g[LIMIT + 2], g[LIMIT + 3], g[LIMIT + 4]
  local n, input = math.max(0, sum[1] - rounds * l1), math.max(0, sum[2] - rounds * (l2 > 0 and l2 or l4))
  local output = math.max(0, sum[3] - rounds * l3)
  local made = ask.spread and 0 or output
  saved[#saved + 1] = { g, unpack(g, 1, CURRENT + 3) }
  if l1 > 0 then g[LEVEL + 1] = g[LEVEL + 1] + n end
  if l2 > 0 then g[LEVEL + 2] = g[LEVEL + 2] + input end
  if l3 > 0 then g[LEVEL + 3] = g[LEVEL + 3] + output end
  if l4 > 0 then g[LEVEL + 4] = g[LEVEL + 4] + input + output end
  g[USED + 1], g[CURRENT + 1] = g[USED + 1] + n, g[CURRENT + 1] + n
  g[USED + 2], g[CURRENT + 2] = g[USED + 2] + input, g[CURRENT + 2] + input
  g[USED + 3], g[CURRENT + 3] = g[USED + 3] + made, g[CURRENT + 3] + made
  g[COMING] = g[COMING] + output - made
  if kept == 0 then return end
  if mirrored then
    for d = 1, 4 do g[LEVEL + d] = g[LEVEL + d] + kept * g[LIMIT + d] end
  else
    g[USED + 1], g[USED + 3] = g[USED + 1] + kept * l1, g[USED + 3] + kept * l3
    g[USED + 2] = g[USED + 2] + kept * math.max(l2, l3 == 0 and l4 or 0)
  end
end

-- The groups have what they had.
function line.leave(ask)
  local saved = ask.saved or {}
  ask.saved = nil
  for n = #saved, 1, -1 do
    local g = saved[n][1]
    for field = 1, CURRENT + 3 do g[field] = saved[n][field + 1] end
  end
end

-- A request's part of the limit that is short, or of the one of which it takes most.
function line.cost_of(l, g, now, window, input, output)
  local costs, most, short = { 1, input, output, input + output }, 0, 0
  repeat
    for d = 1, 4 do
      if g[LIMIT + d] > 0 then
        local cost = costs[d] / g[LIMIT + d]
        most = math.max(most, cost)
        if l.short[d] > now - window then short = math.max(short, cost) end
      end
    end
    g = g.over
  until not g
  return short > 0 and short or most
end

-- How many limits of a group this is, by the dimension of which it is most, and that.
function line.limits_in(sum, g)
  local costs, most, reason = { sum[1], sum[2], sum[3], sum[2] + sum[3] }, 0, 1
  for d = 1, 4 do
    local part = g[LIMIT + d] > 0 and costs[d] / g[LIMIT + d] or 0
    if part > most then most, reason = part, d end
  end
  return most, reason
end

-- How many whole limits come before a request in a group and in the one above it.
function line.rounds_in(ask, g)
  local most = 0
  repeat
    most = math.max(most, math.floor(line.limits_in(ask.sums and ask.sums[g] or NOTHING, g)))
    g = g.over
  until not g
  return most
end

-- When a request fits behind those before it: exactly, as if these were served now.
function line.soonest_behind(r, list, ask, now, input, output)
  local rounds = math.huge
  for n = 1, ask.groups.own do rounds = math.min(rounds, line.rounds_in(ask, ask.groups[n])) end
  if rounds > 0 then
    line.leave(ask)
    for _, g in ipairs(ask.groups) do line.pretend(r, ask, g, rounds) end
  end
  local opens, reason, opener, g = soonest(r, list, now, input, output)
  local margin = ask.far and MARGIN * r.pool[SLOT] or 0
  return opens + rounds * line.cycle(r.pool) + margin, reason, opener, g
end

-- When it fits behind many: in the group where it comes first, after the last promise before it in that group and in the one
-- above, as soon as as much comes back as it takes. In a group without a promise the time is exact.
function line.reckoned(r, list, ask, now, input, output)
  local l, p, lasts, cost = ask.line, r.pool, {}, { 1, input, output }
  for n = ask.count, math.max(1, ask.count - MOST_LOOKED_AT), -1 do
    local one = l.order[n]
    local g = one.group
    repeat
      lasts[g] = lasts[g] or one
      g = g.over
    until not g
  end
  local opens, reason, opener, group = math.huge, 0, '', list[2]
  for c = 1, #list, 2 do
    local k, g = list[c], list[c + 1]
    local at, why = math.huge, 0
    if not lasts[g] then
      at, why = able_at(r, k, g, now, opens, input, output)
    elseif k[K_STOPPED] == 0 and days.clamp_all(r, g, input, output) then
      at = math.max(now, k[K_COOL])
    end
    local level = g
    while level and at < math.huge do
      local last = lasts[level]
      if last then
        local takes, d = line.limits_in(cost, level)
        local margin = last.row > 0 and 0 or MARGIN * p[SLOT]
        local free = math.max(math.max(now, last.told) + math.ceil(takes * line.cycle(p)) + margin, level[COOL])
        if free > at then at, why = free, d end
      end
      level = level.over
    end
    if at < opens then opens, reason, opener, group = at, why, k.id, g end
  end
  return opens, reason, opener, group
end

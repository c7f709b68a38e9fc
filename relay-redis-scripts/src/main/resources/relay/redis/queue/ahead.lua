-- What those before a request in the queue need, and when it fits behind them.
-- @uses state/pool, state/quota_group, state/records, state/ring, limits/gate, choose/choice, queue/queue
-- @uses queue/whole_windows
local ahead = {}

-- What is promised before a request, by group; nil if nothing is.
function ahead.sums_before(l, count)
  local order, sums = l.order, {}
  if count == 0 then return nil end
  if 2 * count <= #order then
    for n = 1, count do
      if not order[n].lent then queue.add(sums, order[n], 1) end
    end
    return sums
  end
  for group, sum in pairs(l.sums) do sums[group] = { sum[1], sum[2], sum[3] } end
  for n = count + 1, #order do
    if not order[n].lent then queue.add(sums, order[n], -1) end
  end
  return sums
end

-- Whether one of these groups mirrors buckets.
function ahead.mirrors_any(groups)
  for _, g in ipairs(groups) do
    if g[MIRRORED] > 0 then return true end
  end
  return false
end

-- Brings a group up to the present, so that what it has can be restored.
function ahead.bring_up(r, g, now)
  local p = r.pool
  if ring.roll(r.win, p, g, math.floor(now / p[SLOT])) then records.rewrite(r, g) end
  quota_group.flow(p, g, now)
end

local NOTHING = { 0, 0, 0 }

-- What a window may have saved up in each dimension.
local function credits(g)
  local credits = {}
  for d = 1, g[MIRRORED] > 0 and 0 or 4 do
    local limit = g[LIMIT + d]
    credits[d] = limit > 0 and quota_group.credit(g, d, limit, limit - quota_group.used_of(g, d)) or 0
  end
  return credits
end

-- Charges a group with the promises before a request, until `leave`. Room that waits for them costs the group none of its credit.
-- Leaves out `rounds` whole limits of that sum: the caller adds the time in which they come back.
function ahead.pretend(r, ask, g, sums, rounds)
  local mirrored, kept, saved = g[MIRRORED] > 0, ask.kept, ask.saved or {}
  ask.saved = saved
  local sum = sums and sums[g] or NOTHING
  local l1, l2, l3, l4 = g[LIMIT + 1], g[LIMIT + 2], g[LIMIT + 3], g[LIMIT + 4]
  local n, input, output = whole_windows.rest_of(g, sum, rounds)
  local made = ask.spread and 0 or output
  saved[#saved + 1] = { g, unpack(g, 1, CURRENT + 3) }
  local before = credits(g)
  if l1 > 0 then g[LEVEL + 1] = g[LEVEL + 1] + n end
  if l2 > 0 then g[LEVEL + 2] = g[LEVEL + 2] + input end
  if l3 > 0 then g[LEVEL + 3] = g[LEVEL + 3] + output end
  if l4 > 0 then g[LEVEL + 4] = g[LEVEL + 4] + input + output end
  g[USED + 1], g[USED + 2], g[USED + 3] = g[USED + 1] + n, g[USED + 2] + input, g[USED + 3] + made
  g[COMING] = g[COMING] + output - made
  for d, now_has in ipairs(credits(g)) do g[LEVEL + d] = g[LEVEL + d] - math.max(0, now_has - before[d]) end
  if not ask.of then -- rooms leave the window with the present slot; what is promised does not
    g[CURRENT + 1], g[CURRENT + 2], g[CURRENT + 3] = g[CURRENT + 1] + n, g[CURRENT + 2] + input, g[CURRENT + 3] + made
  end
  if kept == 0 then return end
  if mirrored then
    for d = 1, 4 do g[LEVEL + d] = g[LEVEL + d] + kept * g[LIMIT + d] end
  else
    g[USED + 1], g[USED + 3] = g[USED + 1] + kept * l1, g[USED + 3] + kept * l3
    g[USED + 2] = g[USED + 2] + kept * math.max(l2, l3 == 0 and l4 or 0)
  end
end

-- The pacer counts all promises before a request, also those that are not ripe. Otherwise capacity that comes back in a burst,
-- and is promised to later requests, would go to whoever asks.
function ahead.pace(ask, g)
  local all, ripe = ask.all and ask.all[g] or NOTHING, ask.sums and ask.sums[g] or NOTHING
  local unripe = { all[1] - ripe[1], all[2] - ripe[2], all[3] - ripe[3] }
  unripe[4] = unripe[2] + unripe[3]
  for d = 1, 4 do
    local limit = g[LIMIT + d]
    if limit > 0 and unripe[d] > 0 then
      local spare = g[BURST] * (limit - quota_group.used_of(g, d)) - quota_group.credit(g, d, limit, 0)
      g[LEVEL + d] = g[LEVEL + d] + math.max(0, math.min(g[BURST] * unripe[d], spare))
    end
  end
end

-- Restores the fields that `pretend` saved.
function ahead.leave(ask)
  local saved = ask.saved or {}
  ask.saved = nil
  for n = #saved, 1, -1 do
    local g = saved[n][1]
    for field = 1, CURRENT + 3 do g[field] = saved[n][field + 1] end
  end
end

-- A request's part of the limit that is short, or of the one of which it takes most.
function ahead.cost_of(ask, g, now)
  local costs, l, most, short = ask.costs, ask.line, 0, 0
  repeat
    for d = 1, 4 do
      if g[LIMIT + d] > 0 then
        local cost = costs[d] / g[LIMIT + d]
        most = math.max(most, cost)
        if l.short[d] > now - ask.window then short = math.max(short, cost) end
      end
    end
    g = g.over
  until not g
  return short > 0 and short or most
end

-- For each group: when the last earlier promise is served, and the pacer's debts at that time. Debts flow off until then, but not
-- below a full group's credit. So the largest debt counts: that of all these promises, or that of the last ones alone.
local function owed_after(r, ask, now)
  local order, owed, p = ask.line.order, {}, r.pool
  for n = ask.count, math.max(1, ask.count - MOST_LOOKED_AT), -1 do
    local one = order[n]
    local g, told, input, output = not one.lent and one.group, one.told, one.input, one.output
    if told < now then told = now end
    while g do
      local its = owed[g]
      if not its then
        its = { at = told, refill = quota_group.refill_us(p, g), 0, 0, 0 }
        local all, flown = ask.all[g], (told - now) / its.refill
        its.debts, its.saved = { all[1], all[2], all[3], all[2] + all[3] }, {}
        for d = 1, 4 do
          its.saved[d] = quota_group.credit(g, d, g[LIMIT + d], 0)
          its.debts[d] = math.max(-its.saved[d], its.debts[d] + g[LEVEL + d] - flown * g[LIMIT + d])
        end
        owed[g] = its
      end
      local n1, n2, n3 = its[1] + one.count, its[2] + input, its[3] + output
      its[1], its[2], its[3] = n1, n2, n3
      local flown, debts, saved = (its.at - told) / its.refill, its.debts, its.saved
      local o1, o2 = n1 - flown * g[LIMIT + 1] - saved[1], n2 - flown * g[LIMIT + 2] - saved[2]
      local o3, o4 = n3 - flown * g[LIMIT + 3] - saved[3], n2 + n3 - flown * g[LIMIT + 4] - saved[4]
      if o1 > debts[1] then debts[1] = o1 end
      if o2 > debts[2] then debts[2] = o2 end
      if o3 > debts[3] then debts[3] = o3 end
      if o4 > debts[4] then debts[4] = o4 end
      g = g.over
    end
  end
  return owed
end

-- Charges a group with what is before a request. Returns the time in which whole limits of that leave the window, and a time
-- before which the request is not served: none before it is served later, and in a full window the pacer's burst is least.
local function load(r, ask, g, now, its, rounds, full)
  local p, all, bucket, costs = r.pool, ask.all and ask.all[g], g[MIRRORED] > 0, ask.costs
  local later, paced = rounds * (quota_group.refill_us(p, g) + p[SLOT]), now
  local debts = its and its.debts or { unpack(g, LEVEL + 1, LEVEL + 4) }
  ahead.pretend(r, ask, g, ask.all, rounds)
  if bucket or all and not its then return later, 0 end
  local burst, shrunk = quota_group.burst_of(g[BURST], g[SHRUNK], g[SHRUNK_AT], now)
  for d = 1, 4 do
    local limit = g[LIMIT + d]
    if limit > 0 and costs[d] > 0 then
      local debt = debts[d] + ((its and its.at or now) - now) * limit / quota_group.refill_us(p, g)
      local saved = quota_group.credit(g, d, limit, 0)
      g[LEVEL + d] = full and -saved or debt
      if full then
        local room = gate.headway(false, costs[d], limit, limit, saved, burst, shrunk)
        paced = math.max(paced, now + math.ceil((debt + costs[d] - room) * quota_group.refill_us(p, g) / limit))
      end
    end
  end
  return later, its and math.max(paced + MARGIN * p[SLOT], its.at) or paced
end

-- When a request fits behind those before it: in the window as if these were served now, but for the pacer each at its time.
function ahead.soonest_behind(r, list, request, now)
  local p, ask, later, least = r.pool, request.client, {}, {}
  for _, g in ipairs(ask.groups) do ahead.bring_up(r, g, now) end
  local owed = p[BUCKET] ~= 1 and ask.all and owed_after(r, ask, now) or {}
  local rounds, full = whole_windows.before(ask)
  for _, g in ipairs(ask.groups) do
    later[g], least[g] = load(r, ask, g, now, owed[g], rounds[g], full[g])
  end
  local opens, reason, opener, group, known = math.huge, 0, '', list[2], {}
  for c = 1, #list, 2 do
    local k, g = list[c], list[c + 1]
    local at, why = choice.able_at(r, k, g, request, now, opens, known)
    local over = g.over or g
    local behind = ask.all and not (ask.own and why == 5) and (ask.all[g] or ask.all[over])
    at = math.max(at + math.max(later[g], later[over]) + (behind and MARGIN * p[SLOT] or 0), least[g], least[over])
    if at < opens then opens, reason, opener, group = at, why, k.id, g end
  end
  return opens, reason, opener, group
end

-- Adds what the promises before a request need to the use of its groups, in memory only, and finds the time at which the request fits
-- behind them.
-- @uses wire/reasons, state/pool, state/quota_group, state/records, state/ring, limits/gate, choose/choice, queue/queue
-- @uses queue/whole_windows
local ahead = {}

-- Sums the first `count` promises of a queue that have not lent their places, by group. Nil if `count` is 0.
function ahead.sums_before(q, count)
  local order, sums = q.order, {}
  if count == 0 then return nil end
  if 2 * count <= #order then
    for n = 1, count do
      if not order[n].lent then queue.add(sums, order[n], 1) end
    end
    return sums
  end
  for group, sum in pairs(q.sums) do sums[group] = { sum[1], sum[2], sum[3] } end
  for n = count + 1, #order do
    if not order[n].lent then queue.add(sums, order[n], -1) end
  end
  return sums
end

-- Returns whether one of these groups mirrors buckets.
function ahead.mirrors_any(groups)
  for _, g in ipairs(groups) do
    if g[MIRRORED] > 0 then return true end
  end
  return false
end

-- Brings a group up to the present. `assume` then saves its fields, and `restore` puts them back.
function ahead.bring_up(r, g, now)
  local p = r.pool
  if ring.roll(r.win, p, g, math.floor(now / p[SLOT])) then records.rewrite(r, g) end
  quota_group.flow(p, g, now)
end

local NOTHING = { 0, 0, 0 }

-- The credit that a group's window may have saved up in each dimension.
local function credits(g)
  local credits = {}
  for d = 1, g[MIRRORED] > 0 and 0 or 4 do
    local limit = g[LIMIT + d]
    credits[d] = limit > 0 and quota_group.credit(g, d, limit, limit - quota_group.used_of(g, d)) or 0
  end
  return credits
end

-- Adds `sums`, the promises before a request, and the headroom that it leaves to a group's use, until `restore`. The group keeps the
-- credit that it has: room that waits for promises is not free. `rounds` whole limits of the sum are left out: the caller adds the
-- time in which they return.
function ahead.assume(r, share, g, sums, rounds)
  local mirrored, headroom, saved = g[MIRRORED] > 0, share.headroom, share.saved or {}
  share.saved = saved
  local sum = sums and sums[g] or NOTHING
  local l1, l2, l3, l4 = g[LIMIT + 1], g[LIMIT + 2], g[LIMIT + 3], g[LIMIT + 4]
  local n, input, output = whole_windows.rest_of(g, sum, rounds)
  local made = share.spread and 0 or output
  saved[#saved + 1] = { g, unpack(g, 1, CURRENT + 3) }
  local before = credits(g)
  if l1 > 0 then g[LEVEL + 1] = g[LEVEL + 1] + n end
  if l2 > 0 then g[LEVEL + 2] = g[LEVEL + 2] + input end
  if l3 > 0 then g[LEVEL + 3] = g[LEVEL + 3] + output end
  if l4 > 0 then g[LEVEL + 4] = g[LEVEL + 4] + input + output end
  g[USED + 1], g[USED + 2], g[USED + 3] = g[USED + 1] + n, g[USED + 2] + input, g[USED + 3] + made
  g[COMING] = g[COMING] + output - made
  for d, now_has in ipairs(credits(g)) do g[LEVEL + d] = g[LEVEL + d] - math.max(0, now_has - before[d]) end
  if not share.client then -- rooms leave the window with the present slot; what is promised does not
    g[CURRENT + 1], g[CURRENT + 2], g[CURRENT + 3] = g[CURRENT + 1] + n, g[CURRENT + 2] + input, g[CURRENT + 3] + made
  end
  if headroom == 0 then return end
  if mirrored then
    for d = 1, 4 do g[LEVEL + d] = g[LEVEL + d] + headroom * g[LIMIT + d] end
  else
    g[USED + 1], g[USED + 3] = g[USED + 1] + headroom * l1, g[USED + 3] + headroom * l3
    g[USED + 2] = g[USED + 2] + headroom * math.max(l2, l3 == 0 and l4 or 0)
  end
end

-- Adds all promises before a request to the pacer's debt, also those that have not begun to reserve. Otherwise capacity that
-- returns in a burst, and is promised to later requests, would go to any request that asks.
function ahead.pace(share, g)
  local all, reserved = share.promised_before and share.promised_before[g] or NOTHING, share.reserved_before and share.reserved_before[g] or NOTHING
  local unreserved = { all[1] - reserved[1], all[2] - reserved[2], all[3] - reserved[3] }
  unreserved[4] = unreserved[2] + unreserved[3]
  for d = 1, 4 do
    local limit = g[LIMIT + d]
    if limit > 0 and unreserved[d] > 0 then
      local spare = g[BURST] * (limit - quota_group.used_of(g, d)) - quota_group.credit(g, d, limit, 0)
      g[LEVEL + d] = g[LEVEL + d] + math.max(0, math.min(g[BURST] * unreserved[d], spare))
    end
  end
end

-- Restores the fields that `assume` saved.
function ahead.restore(share)
  local saved = share.saved or {}
  share.saved = nil
  for n = #saved, 1, -1 do
    local g = saved[n][1]
    for field = 1, CURRENT + 3 do g[field] = saved[n][field + 1] end
  end
end

-- A request's cost, as a part of the limit that is short; if none is, of the limit of which the request takes most.
function ahead.cost_of(share, g, now)
  local costs, q, most, short = share.costs, share.queue, 0, 0
  repeat
    for d = 1, 4 do
      if g[LIMIT + d] > 0 then
        local cost = costs[d] / g[LIMIT + d]
        most = math.max(most, cost)
        if q.short[d] > now - share.window then short = math.max(short, cost) end
      end
    end
    g = g.over
  until not g
  return short > 0 and short or most
end

-- For each group: when the last earlier promise is served, and the pacer's debts at that time. Debts flow off until then, but not
-- below a full group's credit. So the largest debt counts: that of all these promises, or that of the last ones alone.
local function owed_after(r, share, now)
  local order, owed, p = share.queue.order, {}, r.pool
  for n = share.ahead_count, math.max(1, share.ahead_count - MOST_LOOKED_AT), -1 do
    local promise = order[n]
    local g, retry_at, input, output = not promise.lent and promise.group, promise.retry_at, promise.input, promise.output
    if retry_at < now then retry_at = now end
    while g do
      local its = owed[g]
      if not its then
        its = { at = retry_at, refill = quota_group.refill_us(p, g), 0, 0, 0 }
        local all, flown = share.promised_before[g], (retry_at - now) / its.refill
        its.debts, its.saved = { all[1], all[2], all[3], all[2] + all[3] }, {}
        for d = 1, 4 do
          its.saved[d] = quota_group.credit(g, d, g[LIMIT + d], 0)
          its.debts[d] = math.max(-its.saved[d], its.debts[d] + g[LEVEL + d] - flown * g[LIMIT + d])
        end
        owed[g] = its
      end
      local n1, n2, n3 = its[1] + promise.requests, its[2] + input, its[3] + output
      its[1], its[2], its[3] = n1, n2, n3
      local flown, debts, saved = (its.at - retry_at) / its.refill, its.debts, its.saved
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

-- Assumes the promises before a request in a group. Returns the time in which their whole limits leave the window, and a time
-- before which the request is not served: promises before it are served first, and the pacer's burst is least in a full window.
local function load(r, share, g, now, its, rounds, full)
  local p, all, bucket, costs = r.pool, share.promised_before and share.promised_before[g], g[MIRRORED] > 0, share.costs
  local later, paced = rounds * (quota_group.refill_us(p, g) + p[SLOT]), now
  local debts = its and its.debts or { unpack(g, LEVEL + 1, LEVEL + 4) }
  ahead.assume(r, share, g, share.promised_before, rounds)
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

-- The time at which a request fits behind the promises before it, the reason, the key and the group. The window counts them as if
-- they were served now, the pacer each at its time.
function ahead.soonest_behind(r, list, request, now)
  local p, share, later, least = r.pool, request.share, {}, {}
  for _, g in ipairs(share.groups) do ahead.bring_up(r, g, now) end
  local owed = p[BUCKET] ~= 1 and share.promised_before and owed_after(r, share, now) or {}
  local rounds, full = whole_windows.before(share)
  for _, g in ipairs(share.groups) do
    later[g], least[g] = load(r, share, g, now, owed[g], rounds[g], full[g])
  end
  local opens, reason, opener, group, known = math.huge, 0, '', list[2], {}
  for c = 1, #list, 2 do
    local k, g = list[c], list[c + 1]
    local at, why = choice.able_at(r, k, g, request, now, opens, known)
    local over = g.over or g
    local waits_behind = share.promised_before and not (share.own_limits and why == CONCURRENCY) and (share.promised_before[g] or share.promised_before[over])
    at = math.max(at + math.max(later[g], later[over]) + (waits_behind and MARGIN * p[SLOT] or 0), least[g], least[over])
    if at < opens then opens, reason, opener, group = at, why, k.id, g end
  end
  return opens, reason, opener, group
end

-- A request's turn in the queue. `enter` charges the groups with the promises before the request, so that the usual checks
-- see the room that is left for it. One of `granted`, `promise` and `leave` takes these charges back.
-- @uses pool, key, group, records, gate, choice, line
local FARTHEST = 5 -- windows: who is told a later time gets no promise
local NEAR = 16 -- promises: behind more a time is that of the one before and the time that the request takes
local MARGIN = 1 -- slots: so much later, for charges leave by slots

-- The groups of a list, each once, and then those above them.
function line.groups_of(r, list)
  if list.groups then return list.groups end
  local groups, seen = {}, {}
  local function add(g)
    if g and not seen[g] then groups[#groups + 1], seen[g] = g, true end
  end
  for n = 2, #list, 2 do add(list[n]) end
  groups.own = #groups
  for n = 1, groups.own do add(levels.above(r, groups[n])) end
  list.groups = groups
  return groups
end

local NOTHING = { 0, 0, 0 }

-- Charges a group with what comes before a request, until `leave`. `rounds`: whole limits that are left out of it.
function line.pretend(r, ask, g, rounds)
  local mirrored, kept, saved = r.pool[BUCKET] == 1, ask.kept, ask.saved
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
  local saved = ask.saved
  for n = #saved, 1, -1 do
    local g = saved[n][1]
    for field = 1, CURRENT + 3 do g[field] = saved[n][field + 1] end
    saved[n] = nil
  end
end

-- A request enters: until it leaves the groups are charged with what comes before it.
function line.enter(r, list, ask, now, input, output, spread)
  local l, p = line.of(r, list), r.pool
  if now >= l.lapse_at then line.let_go(l, now) end
  local c, groups = line.client(r, l, ask, now), line.groups_of(r, list)
  local mine = line.claimed(c, ask, now)
  ask.line, ask.of, ask.groups, ask.spread, ask.window = l, c, groups, spread, p[WINDOW]
  if mine then
    ask.mine, ask.tag, ask.place, ask.cost = mine, mine.tag, mine.rank, mine.cost
    ask.count = line.place_of(l.order, mine) - 1
  else
    ask.tag, ask.place = math.max(line.tag_of(l, ask.rank), c.tag), ask.rank
    ask.cost = line.cost_of(l, list[2], now, p[WINDOW], input, output)
    if line.is_below_floor(l, ask, now, p[WINDOW], groups.own) then ask.place = 0 end
    ask.count = line.before(l.order, ask.place, ask.tag)
  end
  ask.sums = line.sums_before(l, ask.count)
  if not ask.sums and ask.kept == 0 then return end
  local slot = math.floor(now / p[SLOT])
  for _, g in ipairs(groups) do
    if roll(r.win, p, g, slot) then rewrite(r, g) end
    flow(p, g, now)
    line.pretend(r, ask, g, 0)
  end
end

-- It leaves with a grant.
function line.granted(ask, now)
  line.leave(ask)
  local l, rank = ask.line, ask.rank
  if ask.mine then line.remove(l, ask.mine) else ask.of.tag = ask.tag + ask.cost / ask.weight end
  l.tags[rank] = math.max(l.tags[rank], ask.tag)
  l.served[rank], l.served_at[rank] = line.served(l, rank, now, ask.window) + ask.cost, now
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

-- The group of a promise that stands behind one of this group: of those below the same one, that of which least is promised.
function line.next_of(ask, last)
  local best, least = last, math.huge
  for n = 1, last.over and ask.groups.own or 0 do
    local g = ask.groups[n]
    local part = line.limits_in(ask.sums[g] or NOTHING, g)
    if g.over == last.over and part < least then best, least = g, part end
  end
  return best
end

-- It is refused: the earliest time at which it fits behind what comes before it, the reason, the key and the group.
function line.opens(r, list, ask, now, input, output)
  if ask.count <= NEAR then
    local rounds = math.huge
    for n = 1, ask.groups.own do rounds = math.min(rounds, line.rounds_in(ask, ask.groups[n])) end
    if rounds > 0 then
      line.leave(ask)
      for _, g in ipairs(ask.groups) do line.pretend(r, ask, g, rounds) end
    end
    local opens, reason, opener, g = soonest(r, list, now, input, output)
    return opens + rounds * ask.window, reason, opener, g
  end
  local before, cost = ask.line.order[ask.count], { 1, input, output }
  local g = line.next_of(ask, before.group)
  local takes, reason = line.limits_in(cost, g)
  if g.over then
    local share = (ask.sums[g] or NOTHING)[1] / ask.sums[g.over][1] -- of what is promised: others stand in other groups
    local above, why = line.limits_in(cost, g.over)
    takes = takes * share
    if above > takes then takes, reason = above, why end
  end
  local p = r.pool
  local cycle = p[BUCKET] == 1 and refill_us(p) or math.max(refill_us(p), (SLOTS + 1) * p[SLOT])
  local opens = math.max(now, before.told) + math.ceil(takes * cycle)
  ask.far = true
  return before.far and opens or opens + MARGIN * p[SLOT], reason, before.opener, g
end

-- It leaves with a promise, if the time is known.
function line.promise(ask, now, opens, reason, opener, g, input, output)
  line.leave(ask)
  local l, one = ask.line, ask.mine
  if reason > 0 and reason < 5 then l.short[reason] = now end
  if one then
    line.add(l.sums, one, -1)
    one.told, one.group, one.opener = opens, g, opener
    line.add(l.sums, one, 1)
  elseif reason < 5 and #l.order < MOST_PROMISES and opens <= now + FARTHEST * ask.window then
    one = { of = ask.of, rank = ask.place, tag = ask.tag, cost = ask.cost, part = ask.cost / ask.weight, told = opens,
      input = input, output = output, group = g, opener = opener, far = ask.far }
    table.insert(ask.of.promises, one)
    table.insert(l.order, line.before(l.order, one.rank, one.tag) + 1, one)
    line.add(l.sums, one, 1)
    ask.of.tag = ask.tag + one.part
  end
  l.lapse_at = math.min(l.lapse_at, math.max(now + LAPSES_US, opens + GRACE_US))
end

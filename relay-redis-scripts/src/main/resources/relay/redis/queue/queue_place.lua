-- A request's place in the queue. `enter` charges the groups with the promises before the request, so the usual checks see
-- only the room that these leave. `granted`, `promise` or `leave` reverts the charges. If none is before it, `enter` charges
-- nothing, except to a mirrored bucket that a client must leave a part of.
-- @uses state/pool, state/pool_key, state/quota_group, state/records, choose/choice, queue/queue, queue/concurrency
-- @uses queue/ahead, queue/claim, queue/client_queues, queue/reservations, queue/promises
local queue_place = {}
local FARTHEST = 5 -- windows: a request whose retry time is further away gets no promise
local LEAST_KEPT = 0.01 -- of a limit: so much of a kept share is left free always
local HELD_PART = 1.25 -- of the whole seconds that a request is told: so long its place is held, for many come late
local EVEN, BURST_OF_EVEN = 1.015, 0.01 -- served 1.5 % faster than its share; up to 1 % of a window at once

-- The groups of a list, each once, and then those above them.
local function groups_of(r, list)
  if list.groups then return list.groups end
  local groups, seen = {}, {}
  local function add(g)
    if g and not seen[g] then groups[#groups + 1], seen[g] = g, true end
  end
  for n = 2, #list, 2 do add(list[n]) end
  groups.own = #groups
  for n = 1, groups.own do add(records.above(r, groups[n])) end
  list.groups = groups
  return groups
end

-- A promise is for what its request costs now. The difference advances the place, and the client's next one.
local function recost(r, request, one)
  local ask, input, output = request.client, request.input, request.output
  local l, more = ask.line, (ask.cost - one.cost) / ask.weight
  if input ~= one.input or output ~= one.output or more ~= 0 or ask.requests ~= one.count then
    promises.unset(l, one)
    one.count, one.input, one.output, one.cost, one.part = ask.requests, input, output, ask.cost, one.part + more
    if not one.lent then promises.set(l, one, ask.cost * r.pool[WINDOW]) end
    one.of.tag = one.of.tag + more
    if more > 0 then promises.move(l, one, one.rank, one.tag + more) end
  end
end

-- A client's request comes to the queue. `groups`: how many there are.
function queue_place.come(r, request, c, groups)
  local ask, asked, input, output = request.client, r.pool[ASKED], request.input, request.output
  ask.of, ask.window, ask.groups_in, ask.requests, ask.costs = c, r.pool[WINDOW], groups, asked, { asked, input, output, input + output }
end

-- It takes its place in the queue: that of its promise, one that it is lent, or one by its tag. `g`: a group that tells what it
-- costs; `least`: what it costs at least.
function queue_place.take_place(r, request, mine, lent, g, least, now)
  local ask = request.client
  local l, c, window = ask.line, ask.of, ask.window
  ask.cost = math.max(least, mine and mine.at_most and mine.cost or 0, ahead.cost_of(ask, g, now))
  ask.mine, ask.lent = mine, lent
  if mine then
    if not mine.lent and mine.told <= now then c.faith = 0.8 * c.faith + 0.2 end
    recost(r, request, mine)
    reservations.put_back(l, ask, mine)
  end
  local its = mine or lent
  local rank = queue.is_below_floor(l, ask, its, now, window, ask.groups_in) and 0 or ask.rank
  if mine and mine.rank ~= rank then promises.move(l, mine, rank, mine.tag) end
  ask.place, ask.tag = rank, math.max(queue.tag_of(l, ask.rank), c.tag)
  if mine then
    ask.tag, ask.count = mine.tag, queue.place_of(l.order, mine) - 1
  else
    if lent then ask.tag = lent.tag + math.max(0, ask.cost - lent.cost) / ask.weight end
    ask.count = queue.before(l.order, rank, ask.tag)
    if lent then ask.count = math.max(0, math.min(ask.count, queue.place_of(l.order, lent) - 1)) end
  end
end

-- What a request must leave of a window to higher ranks: of the share that is kept for them, what they do not use themselves,
-- and always a little, for their bursts. While the pool is short the rank is served evenly: else what a burst took would come
-- back at once, and nothing for a while.
-- `ahead`: what is promised to others of its rank for now.
function queue_place.leave_some(l, ask, now, groups, promised)
  local used, least = 0, math.min(LEAST_KEPT, ask.kept)
  for rank = 1, ask.rank - 1 do used = used + queue.served(l, rank, now, ask.window) / groups end
  local share = math.max(0.01, ask.floor, 1 - math.max(ask.kept, used + least))
  ask.kept = math.max(least, ask.kept - used)
  if math.max(unpack(l.short)) < now - ask.window then return end
  ask.pace = ask.window / (EVEN * share * groups)
  local free_at = l.paced[ask.rank] or 0
  if promised > 0 then free_at = math.max(free_at, now) + promised * ask.pace end
  local wait = free_at - BURST_OF_EVEN * ask.window - now
  if wait > 0 then ask.wait, ask.leaves, ask.kept = wait, ask.kept, 1 end -- none of it for now
end

-- Until the request leaves, the groups are charged with what those before it need. `borrows`: at a place that it may be lent.
local function join(r, list, request, now, borrows)
  local ask, p = request.client, r.pool
  local l = ask.line
  local c, groups = queue.client(r, l, ask, now), groups_of(r, list)
  local mine, lent = claim.stands_at(c, ask, now, p, request.input + request.output, borrows, function(one)
    return one.at_most and not concurrency.lacks_place(l, list, queue.place_of(l.order, one) - 1, now)
  end)
  local free = not mine and borrows and ask.lends and claim.is_left(l, now, p) and choice.best_of(r, list, request, now)
  if free then lent = nil end
  ask.of_place = list[1][K_MAX] > 0 and 1 / list[1][K_MAX] or 0
  local least = l.at_most > now - p[WINDOW] and ask.of_place or 0
  queue_place.come(r, request, c, groups.own)
  queue_place.take_place(r, request, mine, lent, list[2], least, now)
  if free then ask.count, ask.passes = 0, true end
  if ask.kept > 0 and p[BUCKET] ~= 1 then queue_place.leave_some(l, ask, now, groups.own, 0) end
  ask.groups, ask.sums, ask.all = groups, reservations.before(r, ask, now), ahead.sums_before(l, ask.count)
  if ask.all or ask.kept > 0 and ahead.mirrors_any(groups) then
    queue_place.hold(r, ask, now)
  elseif ask.kept > 0 then
    ask.left = ask.kept
  end
end

-- Charges the groups with the earlier promises. A request that only leaves headroom skips this when a key is chosen, but not when
-- its retry time is computed.
function queue_place.hold(r, ask, now)
  if ask.saved or not ask.of or not ask.all and ask.kept == 0 then return end
  for _, g in ipairs(ask.groups) do
    ahead.bring_up(r, g, now)
    ahead.pretend(r, ask, g, ask.sums, 0)
    if g[MIRRORED] == 0 then ahead.pace(ask, g) end
  end
end

-- Charges the groups with all promises: what a request takes beyond its place is what nobody waits for.
function queue_place.hold_all(r, ask, now)
  if not ask.of or not ask.line.order[1] then return end
  ahead.leave(ask)
  for _, g in ipairs(ask.groups) do
    ahead.bring_up(r, g, now)
    ahead.pretend(r, ask, g, ask.line.sums, 0)
  end
end

function queue_place.enter(r, list, request, now)
  local ask = request.client
  local joins = ask.kept > 0 or ask.floor > 0
  local l = queue.of(r, list, joins, ask.own)
  ask.line, ask.spread = l, request.spread
  if l and now >= l.lapse_at then reservations.let_go(l, now) end
  if joins or l and l.order[1] then join(r, list, request, now, true) end
end

-- It leaves with a grant. A place that it was lent stays, without its room, for the request that left it.
function queue_place.granted(ask, now)
  if not ask.of then return end
  ahead.leave(ask)
  local l, c, rank, mine, lent = ask.line, ask.of, ask.rank, ask.mine, ask.lent
  if mine then
    promises.remove(l, mine)
    reservations.make_up(l, ask, mine)
    c.granted_mark, c.granted_mark_at = mine.mark, now
  elseif lent then
    reservations.lend_part(l, lent, ask.cost / ask.weight)
    c.faith = 0.8 * c.faith
  else
    c.tag = ask.tag + ask.cost / ask.weight
  end
  c.got, c.got_at = queue.faded(c.got, c.got_at, now, ask.window) + ask.cost, now
  l.tags[rank] = math.max(l.tags[rank], ask.tag)
  if ask.pace then l.paced[rank] = math.max(l.paced[rank] or 0, now) + ask.cost * ask.pace end
  if ask.floor > 0 then -- what it was lent counts as no more than the floor
    local debt = queue.debt(l, ask, now, ask.window, ask.groups_in)
    l.debts[rank] = ask.place == 0 and debt + ask.cost or math.max(debt, math.min(ask.floor * ask.groups_in, debt + ask.cost))
  end
  l.served[rank], l.served_at[rank] = queue.served(l, rank, now, ask.window) + ask.cost, now
end

-- It is refused: the earliest time at which it fits behind those before it, the reason, the key and the group.
function queue_place.opens(r, list, request, now)
  local ask = request.client
  if not ask.of then
    ask.line = queue.of(r, list, true, ask.own)
    join(r, list, request, now)
  end
  ahead.leave(ask)
  if ask.wait then ask.kept = ask.leaves end
  if ask.lent or ask.passes then -- it gets a place of its own
    queue_place.take_place(r, request, nil, nil, list[2], ask.cost, now)
    ask.sums, ask.all = reservations.before(r, ask, now), ahead.sums_before(ask.line, ask.count)
  end
  local opens, reason, opener, g = ahead.soonest_behind(r, list, request, now)
  if ask.wait then opens = math.max(opens, now + ask.wait) end
  if opens < now + 1e6 and concurrency.lacks_place(ask.line, list, ask.count, opens) then opens, reason = now + 1e6, 5 end
  return opens, reason, opener, g
end

-- It leaves with a promise, if the time is known.
function queue_place.promise(request, now, opens, reason, opener, g)
  local ask = request.client
  ahead.leave(ask)
  local l, one, own = ask.line, ask.mine, ask.own
  if reason == 5 then l.at_most = now elseif reason > 0 and reason < 5 then l.short[reason] = now end
  if one then
    promises.unset(l, one)
    if one.lent then l.lent = l.lent - 1 end
    one.lent, one.came = nil, one.came or one.told <= now and ask.lends -- the claim failed: later requests may no longer overtake it
  elseif reason <= 5 and ask.count < MOST_PROMISES and opens <= now + FARTHEST * ask.window then
    if #l.order == MOST_PROMISES then promises.forgo(l, l.order[MOST_PROMISES]) end
    if own and own.promises == MOST_OWN then return end
    if reason == 5 then ask.cost = math.max(ask.cost, ask.of_place) end
    l.made = l.made + 1
    if own then own.promises = own.promises + 1 end
    one = { of = ask.of, rank = ask.place, tag = ask.tag, cost = ask.cost, part = ask.cost / ask.weight, made = l.made,
      count = ask.requests, input = request.input, output = request.output, mark = ask.mark, had = 0 }
    local c, mark = ask.of, ask.mark or ''
    table.insert(c.promises, queue.before(c.promises, one.rank, one.tag) + 1, one)
    c.marks[mark] = c.marks[mark] or {}
    table.insert(c.marks[mark], one)
    table.insert(l.order, queue.before(l.order, one.rank, one.tag) + 1, one)
    ask.of.tag = ask.tag + one.part
  end
  l.lapse_at = math.min(l.lapse_at, math.max(now + LAPSES_US, opens + LEAST_GRACE_US))
  if not one then return end
  one.told, one.since, one.group, one.opener, one.at_most = opens, now, g, opener, reason == 5
  one.till = now + HELD_PART * 1e6 * math.ceil((opens - now) / 1e6)
  one.only = ask.groups and ask.groups.own == 1 -- it must go to one account, or there is but one
  -- whoever does not wait so long is told the time, and comes again without a ticket
  queue.give(one, ask.ticket and opens - now <= ask.waits and ask.ticket or nil)
  promises.set(l, one, one.cost * ask.window)
end

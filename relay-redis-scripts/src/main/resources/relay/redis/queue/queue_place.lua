-- A request's place in the queue. `enter` assumes that the promises before the request are served already: it adds them to the use of
-- the groups, in memory only, so the usual checks see the room that they leave. `granted`, `promise` or `ahead.restore` takes them
-- away again. If no promise is before the request, `enter` adds nothing, except headroom to a mirrored bucket.
-- @uses wire/reasons, state/pool, state/pool_key, state/quota_group, state/records, choose/choice, queue/queue, queue/concurrency
-- @uses queue/ahead, queue/claim, queue/client_queues, queue/reservations, queue/promises
local queue_place = {}
local FARTHEST = 5 -- windows: a request whose retry time is further away gets no promise
local LEAST_HEADROOM = 0.01 -- of a limit: the part of a headroom that is always left free
local PLACE_PART = 1.25 -- of the whole seconds of `retry-after`: how long a place is kept, for many requests come late
local EVEN, BURST_OF_EVEN = 1.015, 0.01 -- a paced rank is served 1.5 % faster than its part, and up to 1 % of a window at once

-- The groups of a list, each once, and then those above them. `listed`: the number of the former.
local function groups_of(r, list)
  if list.groups then return list.groups end
  local groups, seen = {}, {}
  local function add(g)
    if g and not seen[g] then groups[#groups + 1], seen[g] = g, true end
  end
  for n = 2, #list, 2 do add(list[n]) end
  groups.listed = #groups
  for n = 1, groups.listed do add(records.above(r, groups[n])) end
  list.groups = groups
  return groups
end

-- Changes a promise to what its request costs now. The difference moves the place back, and advances the client's tag.
local function recost(r, request, promise)
  local share, input, output = request.share, request.input, request.output
  local q, more = share.queue, (share.cost - promise.cost) / share.weight
  if input ~= promise.input or output ~= promise.output or more ~= 0 or share.requests ~= promise.requests then
    promises.unset(q, promise)
    promise.requests, promise.input, promise.output = share.requests, input, output
    promise.cost, promise.advance = share.cost, promise.advance + more
    if not promise.lent then promises.set(q, promise, share.cost * r.pool[WINDOW]) end
    promise.client.tag = promise.client.tag + more
    if more > 0 then promises.move(q, promise, promise.rank, promise.tag + more) end
  end
end

-- Enters a client's request into the queue. `groups`: how many groups the request may use.
function queue_place.arrive(r, request, c, groups)
  local share, asked, input, output = request.share, r.pool[ASKED], request.input, request.output
  share.client, share.window, share.group_count, share.requests, share.costs = c, r.pool[WINDOW], groups, asked, { asked, input, output, input + output }
end

-- Gives a request its place: that of the promise that it claimed, one that it borrowed, or one by its tag. `g`: the group whose limits
-- tell what the request costs; `least`: its least cost.
function queue_place.take_place(r, request, claimed, borrowed, g, least, now)
  local share = request.share
  local q, c, window = share.queue, share.client, share.window
  share.cost = math.max(least, claimed and claimed.waits_for_end and claimed.cost or 0, ahead.cost_of(share, g, now))
  share.claimed, share.borrowed = claimed, borrowed
  if claimed then
    if not claimed.lent and claimed.retry_at <= now then c.return_rate = 0.8 * c.return_rate + 0.2 end
    recost(r, request, claimed)
    reservations.put_back(q, share, claimed)
  end
  local its = claimed or borrowed
  local rank = queue.is_below_floor(q, share, its, now, window, share.group_count) and 0 or share.priority
  if claimed and claimed.rank ~= rank then promises.move(q, claimed, rank, claimed.tag) end
  share.rank, share.tag = rank, math.max(queue.tag_of(q, share.priority), c.tag)
  if claimed then
    share.tag, share.ahead_count = claimed.tag, queue.place_of(q.order, claimed) - 1
  else
    if borrowed then share.tag = borrowed.tag + math.max(0, share.cost - borrowed.cost) / share.weight end
    share.ahead_count = queue.before(q.order, rank, share.tag)
    if borrowed then share.ahead_count = math.max(0, math.min(share.ahead_count, queue.place_of(q.order, borrowed) - 1)) end
  end
end

-- Sets the headroom that a request must leave of a window: what higher priorities do not use of theirs, and always a little, for their
-- bursts. While the pool is short, the rank is paced: otherwise what a burst took would return at once, and nothing for a while.
-- `promised`: what is promised to other requests of its priority for now.
function queue_place.leave_headroom(q, share, now, groups, promised)
  local used, least = 0, math.min(LEAST_HEADROOM, share.headroom)
  for rank = 1, share.priority - 1 do used = used + queue.served(q, rank, now, share.window) / groups end
  local part = math.max(0.01, share.floor, 1 - math.max(share.headroom, used + least))
  share.headroom = math.max(least, share.headroom - used)
  if math.max(unpack(q.short)) < now - share.window then return end
  share.pace_us = share.window / (EVEN * part * groups)
  local free_at = q.paced_until[share.priority] or 0
  if promised > 0 then free_at = math.max(free_at, now) + promised * share.pace_us end
  local wait = free_at - BURST_OF_EVEN * share.window - now
  if wait > 0 then share.paced_wait_us, share.full_headroom, share.headroom = wait, share.headroom, 1 end -- none of it for now
end

-- Gives a request its place, and assumes the promises before it. `borrows`: it may borrow a place.
local function join(r, list, request, now, borrows)
  local share, p = request.share, r.pool
  local q = share.queue
  local c, groups = queue.client(r, q, share, now), groups_of(r, list)
  local claimed, borrowed = claim.place_of(c, share, now, p, request.input + request.output, borrows, function(promise)
    return promise.waits_for_end and not concurrency.is_promised(q, list, queue.place_of(q.order, promise) - 1, now)
  end)
  local free = not claimed and borrows and share.is_alone and claim.is_room_left(q, now, p) and choice.best_of(r, list, request, now)
  if free then borrowed = nil end
  share.concurrency_cost = list[1][K_MAX] > 0 and 1 / list[1][K_MAX] or 0
  local least = q.short_keys > now - p[WINDOW] and share.concurrency_cost or 0
  queue_place.arrive(r, request, c, groups.listed)
  queue_place.take_place(r, request, claimed, borrowed, list[2], least, now)
  if free then share.ahead_count, share.passes = 0, true end
  if share.headroom > 0 and p[BUCKET] ~= 1 then queue_place.leave_headroom(q, share, now, groups.listed, 0) end
  share.groups, share.reserved_before, share.promised_before = groups, reservations.before(r, share, now), ahead.sums_before(q, share.ahead_count)
  if share.promised_before or share.headroom > 0 and ahead.mirrors_any(groups) then
    queue_place.assume(r, share, now)
  elseif share.headroom > 0 then
    share.checked_headroom = share.headroom
  end
end

-- Assumes the promises before a request in its groups. A request that only leaves headroom skips this when a key is chosen, but not
-- when its retry time is computed.
function queue_place.assume(r, share, now)
  if share.saved or not share.client or not share.promised_before and share.headroom == 0 then return end
  for _, g in ipairs(share.groups) do
    ahead.bring_up(r, g, now)
    ahead.assume(r, share, g, share.reserved_before, 0)
    if g[MIRRORED] == 0 then ahead.pace(share, g) end
  end
end

-- Assumes all promises: a request may take more than it asked for only of room that no promise needs.
function queue_place.assume_all(r, share, now)
  if not share.client or not share.queue.order[1] then return end
  ahead.restore(share)
  for _, g in ipairs(share.groups) do
    ahead.bring_up(r, g, now)
    ahead.assume(r, share, g, share.queue.sums, 0)
  end
end

function queue_place.enter(r, list, request, now)
  local share = request.share
  local joins = share.headroom > 0 or share.floor > 0
  local q = queue.of(r, list, joins, share.own_limits)
  share.queue, share.spread = q, request.spread
  if q and now >= q.lapse_at then reservations.let_go(q, now) end
  if joins or q and q.order[1] then join(r, list, request, now, true) end
end

-- A request leaves the queue with a grant. A place that it borrowed stays, without its room, for the request that left it.
function queue_place.granted(share, now)
  if not share.client then return end
  ahead.restore(share)
  local q, c, rank, claimed, borrowed = share.queue, share.client, share.priority, share.claimed, share.borrowed
  if claimed then
    promises.remove(q, claimed)
    reservations.make_up(q, share, claimed)
    c.granted_mark, c.granted_mark_at = claimed.mark, now
  elseif borrowed then
    reservations.lend_part(q, borrowed, share.cost / share.weight)
    c.return_rate = 0.8 * c.return_rate
  else
    c.tag = share.tag + share.cost / share.weight
  end
  c.granted, c.granted_at = queue.faded(c.granted, c.granted_at, now, share.window) + share.cost, now
  q.tags[rank] = math.max(q.tags[rank], share.tag)
  if share.pace_us then q.paced_until[rank] = math.max(q.paced_until[rank] or 0, now) + share.cost * share.pace_us end
  if share.floor > 0 then -- room that a rank borrowed counts as no more than the floor
    local debt = queue.debt(q, share, now, share.window, share.group_count)
    q.debts[rank] = share.rank == 0 and debt + share.cost or math.max(debt, math.min(share.floor * share.group_count, debt + share.cost))
  end
  q.served[rank], q.served_at[rank] = queue.served(q, rank, now, share.window) + share.cost, now
end

-- The earliest time at which a refused request fits behind the promises before it, the reason, the key and the group.
function queue_place.opens(r, list, request, now)
  local share = request.share
  if not share.client then
    share.queue = queue.of(r, list, true, share.own_limits)
    join(r, list, request, now)
  end
  ahead.restore(share)
  if share.paced_wait_us then share.headroom = share.full_headroom end
  if share.borrowed or share.passes then -- the request gets a place of its own
    queue_place.take_place(r, request, nil, nil, list[2], share.cost, now)
    share.reserved_before, share.promised_before = reservations.before(r, share, now), ahead.sums_before(share.queue, share.ahead_count)
  end
  local opens, reason, opener, g = ahead.soonest_behind(r, list, request, now)
  if share.paced_wait_us then opens = math.max(opens, now + share.paced_wait_us) end
  if opens < now + 1e6 and concurrency.is_promised(share.queue, list, share.ahead_count, opens) then opens, reason = now + 1e6, CONCURRENCY end
  return opens, reason, opener, g
end

-- A request leaves the queue with a promise, if its retry time is known.
function queue_place.promise(request, now, opens, reason, opener, g)
  local share = request.share
  ahead.restore(share)
  local q, promise, own_limits = share.queue, share.claimed, share.own_limits
  if reason == CONCURRENCY then q.short_keys = now elseif reasons.is_limit(reason) then q.short[reason] = now end
  if promise then
    promises.unset(q, promise)
    if promise.lent then q.lent_count = q.lent_count - 1 end
    promise.lent = nil
    if promise.retry_at <= now and share.is_alone then promise.was_in_vain = true end -- the claim failed: none may overtake it now
  elseif reason <= CONCURRENCY and share.ahead_count < MOST_PROMISES and opens <= now + FARTHEST * share.window then
    if #q.order == MOST_PROMISES then promises.forgo(q, q.order[MOST_PROMISES]) end
    if own_limits and own_limits.promises == MOST_OWN then return end
    if reason == CONCURRENCY then share.cost = math.max(share.cost, share.concurrency_cost) end
    q.last_serial = q.last_serial + 1
    if own_limits then own_limits.promises = own_limits.promises + 1 end
    promise = { client = share.client, rank = share.rank, tag = share.tag, cost = share.cost, advance = share.cost / share.weight,
      serial = q.last_serial, requests = share.requests, input = request.input, output = request.output, mark = share.mark, used_by_others = 0 }
    local c, mark = share.client, share.mark or ''
    table.insert(c.promises, queue.before(c.promises, promise.rank, promise.tag) + 1, promise)
    c.marks[mark] = c.marks[mark] or {}
    table.insert(c.marks[mark], promise)
    table.insert(q.order, queue.before(q.order, promise.rank, promise.tag) + 1, promise)
    share.client.tag = share.tag + promise.advance
  end
  q.lapse_at = math.min(q.lapse_at, math.max(now + LAPSES_US, opens + LEAST_GRACE_US))
  if not promise then return end
  promise.retry_at, promise.promised_at, promise.group, promise.opener, promise.waits_for_end = opens, now, g, opener, reason == CONCURRENCY
  promise.place_until = now + PLACE_PART * 1e6 * math.ceil((opens - now) / 1e6)
  promise.one_account = share.groups and share.groups.listed == 1 -- the request must go to one account, or there is but one
  -- a request that will not wait as long gets its retry time, and comes again without a ticket
  queue.give(promise, share.ticket and opens - now <= share.max_wait_us and share.ticket or nil)
  promises.set(q, promise, promise.cost * share.window)
end

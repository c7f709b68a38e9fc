-- Serves a request with the candidates that a call lists: grants it, or says when one of them can carry it.
-- @uses state/pool, choose/choice, choose/bulk, choose/grant, queue/queue, queue/clients, queue/concurrency, queue/ahead
-- @uses queue/client_queues, queue/queue_place, wire/replies
local listed = {}

-- Replies when a candidate can carry the request. If it shares the candidates with others, it leaves a promise.
local function tell_time(r, list, request, now, lone)
  local share = request.share
  if share == false then
    share = lone and clients.of_lone(lone) or client_queues.share_of(r, list, true)
    request.share, share.spread = share, request.spread
  end
  local opens, reason, opener, g
  if share then
    opens, reason, opener, g = queue_place.opens(r, list, request, now)
    queue_place.promise(request, now, opens, reason, opener, g)
  else
    opens, reason, opener = choice.soonest(r, list, request, now)
  end
  replies.wait(request, now, opens, reason, opener)
end

-- The request's `share` is nil without shares, false at a client's own limit that has no queue. `lone`: a client that has the
-- pool for itself. `refusal`: that of the candidates that refuse the request's kind, and are not in the list.
function listed.serve(r, list, request, now, lone, refusal)
  local again = r.held[request.id]
  if again then return grant.again(request, again) end
  local several = request.count
  if several then
    if not bulk.begin(r, request, now) then return end
  elseif r.pool[ASKED] > 1 then
    r.pool[ASKED] = 1 -- the last one of this call was for several
  end
  if not list[1] then return replies.wait(request, now, refusal.opens, 0, refusal.key) end
  local favourite = request.session and redis.call('GET', request.session) or nil
  if lone then request.share = queue.has_queue(queue.of(r, list)) and clients.of_lone(lone) end
  local share = request.share
  if share then
    queue_place.enter(r, list, request, now)
    local its = share.claimed or share.borrowed
    favourite = favourite or its and its.group.field
  end
  local best, want_in, want_out, dimension, limit =
    choice.best_of(r, list, request, now, favourite, choice.seed_of(r, request.id), share and share.checked_headroom)
  local is_promised = best and share and share.client and concurrency.is_promised(share.queue, list, share.ahead_count, now)
  if best and not is_promised then
    if several and request.whole then
      local count
      if share then queue_place.assume_all(r, share, now) end
      want_in, want_out, count = bulk.enlarge(r, request, list[best], list[best + 1], now, want_in, want_out)
      if share and share.client then share.cost = share.cost * count end
    end
    if share then queue_place.granted(share, now) end
    return grant.give(r, request, list[best], list[best + 1], now, want_in, want_out)
  end
  local stopped, small = want_in, want_out
  if is_promised then stopped, small = 0, 0 end
  local shadow, why = nil, nil
  if list.shadow then
    if share then queue_place.assume(r, share, now) end
    shadow, why = choice.shadowed(r, list, request, now)
  end
  if shadow then
    if share then queue_place.granted(share, now) end
    return grant.give_anyway(r, request, list[shadow], list[shadow + 1], now, why)
  end
  if 2 * (stopped + small) < #list then return tell_time(r, list, request, now, lone) end
  if share then ahead.restore(share) end
  if refusal then
    replies.wait(request, now, refusal.opens, 0, refusal.key)
  elseif small == 0 or stopped > 0 and choice.is_kept_from(r, list, request) then
    replies.out_of_use(request)
  else
    replies.too_large(request, dimension, limit)
  end
end

-- Serves a request with the candidates that a call lists: grants it, or says when one of them can carry it.
-- @uses state/pool, choose/choice, choose/bulk, choose/grant, queue/queue, queue/clients, queue/concurrency, queue/ahead
-- @uses queue/client_queues, queue/queue_place, wire/replies
local listed = {}

-- Replies when a candidate can carry the request. If it shares the candidates with others, it leaves a promise.
local function tell_time(r, list, request, now, lone)
  local ask = request.client
  if ask == false then
    ask = lone and clients.of_lone(lone) or client_queues.ask_of(r, list, true)
    request.client, ask.spread = ask, request.spread
  end
  local opens, reason, opener, g
  if ask then
    opens, reason, opener, g = queue_place.opens(r, list, request, now)
    queue_place.promise(request, now, opens, reason, opener, g)
  else
    opens, reason, opener = choice.soonest(r, list, request, now)
  end
  replies.wait(request, now, opens, reason, opener)
end

-- The request's `client` is nil without shares, false at a client's own limit that has no queue. `lone`: a client that has the
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
  if lone then request.client = queue.has_queue(queue.of(r, list)) and clients.of_lone(lone) end
  local ask = request.client
  if ask then
    queue_place.enter(r, list, request, now)
    local its = ask.mine or ask.lent
    favourite = favourite or its and its.group.field
  end
  local best, want_in, want_out, dimension, limit =
    choice.best_of(r, list, request, now, favourite, choice.seed_of(r, request.id), ask and ask.left)
  local lacks_place = best and ask and ask.of and concurrency.lacks_place(ask.line, list, ask.count, now)
  if best and not lacks_place then
    if several and request.whole then
      local count
      if ask then queue_place.hold_all(r, ask, now) end
      want_in, want_out, count = bulk.enlarge(r, request, list[best], list[best + 1], now, want_in, want_out)
      if ask and ask.of then ask.cost = ask.cost * count end
    end
    if ask then queue_place.granted(ask, now) end
    return grant.give(r, request, list[best], list[best + 1], now, want_in, want_out)
  end
  local stopped, small = want_in, want_out
  if lacks_place then stopped, small = 0, 0 end
  local shadow, why = nil, nil
  if list.shadow then
    if ask then queue_place.hold(r, ask, now) end
    shadow, why = choice.shadowed(r, list, request, now)
  end
  if shadow then
    if ask then queue_place.granted(ask, now) end
    return grant.give_anyway(r, request, list[shadow], list[shadow + 1], now, why)
  end
  if 2 * (stopped + small) < #list then return tell_time(r, list, request, now, lone) end
  if ask then ahead.leave(ask) end
  if refusal then
    replies.wait(request, now, refusal.opens, 0, refusal.key)
  elseif small == 0 or stopped > 0 and choice.is_kept_from(r, list, request) then
    replies.out_of_use(request)
  else
    replies.too_large(request, dimension, limit)
  end
end

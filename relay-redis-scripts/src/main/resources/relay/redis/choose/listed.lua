-- Serves a request with the candidates that a call lists: grants it, or says when one of them can carry it.
-- @uses state/pool, limits/gate, choose/choice, choose/grant, queue/queue, queue/clients, queue/concurrency
-- @uses queue/ahead, queue/client_queues, queue/queue_place
local listed = {}

-- `ask`: the request's client, priority and weight; nil without shares, false at a client's own limit that has no queue.
-- `lone`: a client that has the pool for itself. `refused`: if some candidates refuse the request's kind, and are not in the list,
-- when the first of them does not, and `refuser` its key.
function listed.serve(r, list, session, id, now, lease_us, input, output, spread, reply, place, ask, lone, refused, refuser)
  local again = r.held[id]
  if again then return grant.tell_again(again, reply, place) end
  if not list[1] then return grant.tell(reply, place, 0, math.max(1, gate.wait(refused, now)), 0, refuser, 0) end
  local favourite = session and redis.call('GET', session) or nil
  if lone then ask = queue.has_queue(queue.of(r, list)) and clients.of_lone(lone) end
  if ask then
    queue_place.enter(r, list, ask, now, input, output, spread)
    local its = ask.mine or ask.lent
    favourite = favourite or its and its.group.field
  end
  local best, want_in, want_out, dimension, limit =
    choice.best_of(r, list, now, input, output, favourite, r.pool[STRATEGY] == RANDOM and grant.seed_of(id), ask and ask.left)
  local lacks_place = best and ask and ask.of and concurrency.lacks_place(ask.line, list, ask.count, now)
  if best and not lacks_place then
    if ask then queue_place.granted(ask, now) end
    return grant.give(r, session, id, list[best], list[best + 1], now, lease_us, want_in, want_out, spread, reply, place)
  end
  local stopped, small = want_in, want_out
  if lacks_place then stopped, small = 0, 0 end
  local shadow, why = nil, nil
  if list.shadow then
    if ask then queue_place.hold(r, ask, now) end
    shadow, why = choice.shadowed(r, list, now, input, output)
  end
  if shadow then
    if ask then queue_place.granted(ask, now) end
    grant.give_anyway(r, session, id, list[shadow], list[shadow + 1], now, lease_us, input, output, spread, why, reply, place)
  elseif 2 * (stopped + small) < #list then
    local opens, reason, opener, g
    if ask == false then
      ask = lone and clients.of_lone(lone) or client_queues.ask_of(r, list, true)
      ask.spread = spread
    end
    if ask then
      opens, reason, opener, g = queue_place.opens(r, list, ask, now, input, output)
      queue_place.promise(ask, now, opens, reason, opener, g, input, output)
    else
      opens, reason, opener = choice.soonest(r, list, now, input, output)
    end
    grant.tell(reply, place, 0, math.max(1, gate.wait(opens, now)), reason, opener, 0)
  elseif refused then
    if ask then ahead.leave(ask) end
    grant.tell(reply, place, 0, math.max(1, gate.wait(refused, now)), 0, refuser, 0)
  elseif small == 0 or stopped > 0 and choice.is_kept_from(r, list, input, output) then
    if ask then ahead.leave(ask) end
    grant.tell(reply, place, -2, 0, 0, 0, 0)
  else
    if ask then ahead.leave(ask) end
    grant.tell(reply, place, -1, dimension, limit, 0, 0)
  end
end

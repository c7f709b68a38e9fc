-- Serves a request with the candidates that a call lists: grants it, or says when one of them can carry it.
-- @uses pool, key, group, records, gate, choice, lease, grant, line, asks, turn, own

-- `ask`: the request's client, priority and weight; nil without shares, false at a client's own limit that has no queue.
-- `lone`: a client that has the pool for itself. `refused`: if some candidates refuse the request's kind, and are not in the list,
-- when the first of them does not, and `refuser` its key.
local function serve(r, list, session, id, now, lease_us, input, output, spread, reply, place, ask, lone, refused, refuser)
  local again = r.held[id]
  if again then return tell_again(again, reply, place) end
  if not list[1] then return tell(reply, place, 0, math.max(1, wait(refused, now)), 0, refuser, 0) end
  local favourite = session and redis.call('GET', session) or nil
  if lone then ask = line.has_queue(line.of(r, list)) and line.ask_of_lone(lone) end
  if ask then
    line.enter(r, list, ask, now, input, output, spread)
    local its = ask.mine or ask.lent
    favourite = favourite or its and its.group.field
  end
  local best, want_in, want_out, dimension, limit =
    best_of(r, list, now, input, output, favourite, r.pool[STRATEGY] == RANDOM and seed_of(id), ask and ask.left)
  local lacks_place = best and ask and ask.of and line.lacks_place(ask.line, list, ask.count, now)
  if best and not lacks_place then
    if ask then line.granted(ask, now) end
    return grant(r, session, id, list[best], list[best + 1], now, lease_us, want_in, want_out, spread, reply, place)
  end
  local stopped, small = want_in, want_out
  if lacks_place then stopped, small = 0, 0 end
  local shadow, why = nil, nil
  if list.shadow then
    if ask then line.hold(r, ask, now) end
    shadow, why = shadowed(r, list, now, input, output)
  end
  if shadow then
    if ask then line.granted(ask, now) end
    grant_anyway(r, session, id, list[shadow], list[shadow + 1], now, lease_us, input, output, spread, why, reply, place)
  elseif 2 * (stopped + small) < #list then
    local opens, reason, opener, g
    if ask == false then
      ask = lone and line.ask_of_lone(lone) or line.ask_of_own(r, list, true)
      ask.spread = spread
    end
    if ask then
      opens, reason, opener, g = line.opens(r, list, ask, now, input, output)
      line.promise(ask, now, opens, reason, opener, g, input, output)
    else
      opens, reason, opener = soonest(r, list, now, input, output)
    end
    tell(reply, place, 0, math.max(1, wait(opens, now)), reason, opener, 0)
  elseif refused then
    if ask then line.leave(ask) end
    tell(reply, place, 0, math.max(1, wait(refused, now)), 0, refuser, 0)
  elseif small == 0 or stopped > 0 and is_kept_from(r, list, input, output) then
    if ask then line.leave(ask) end
    tell(reply, place, -2, 0, 0, 0, 0)
  else
    if ask then line.leave(ask) end
    tell(reply, place, -1, dimension, limit, 0, 0)
  end
end

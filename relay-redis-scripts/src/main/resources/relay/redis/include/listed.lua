-- Serves a request with the candidates that a call lists: grants it, or says when one of them can carry it.
-- @uses pool, key, group, records, gate, choice, lease, grant

local function serve(r, list, session, id, now, lease_us, input, output, spread, reply, place)
  local again = r.held[id]
  if again then return tell_again(again, reply, place) end
  local favourite = session and redis.call('GET', session) or nil
  local best, want_in, want_out, dimension, limit =
    best_of(r, list, now, input, output, favourite, r.pool[STRATEGY] == RANDOM and seed_of(id))
  if best then
    return grant(r, session, id, list[best], list[best + 1], now, lease_us, want_in, want_out, spread, reply, place)
  end
  local stopped, small = want_in, want_out
  local shadow, why = nil, nil
  if list.shadow then shadow, why = shadowed(r, list, now, input, output) end
  if shadow then
    grant_anyway(r, session, id, list[shadow], list[shadow + 1], now, lease_us, input, output, spread, why, reply, place)
  elseif 2 * (stopped + small) < #list then
    local opens, reason, opener = soonest(r, list, now, input, output)
    tell(reply, place, 0, math.max(1, wait(opens, now)), reason, opener, 0)
  elseif small == 0 or stopped > 0 and is_kept_from(r, list, input, output) then
    tell(reply, place, -2, 0, 0, 0, 0)
  else
    tell(reply, place, -1, dimension, limit, 0, 0)
  end
end

-- The queues of clients' own limits, one for each group. Heartbeats report the queues of pools, and not these. A client is alone in
-- such a queue, so the queue lends room that is left: see queue/claim. Ten thousand clients may each be refused once, so the first
-- refusal creates a queue, and heartbeats drop it once it is empty.
-- @uses state/pool, queue/reservations
local client_queues = {}
local MOST_OWN = 20000 -- promises in all of them: some 15 MB
local MOST_TIDIED = 100 -- queues, by a heartbeat

-- The share of a request on a key that it names: all requests of that key are of one client. If the key has no queue, only a refused
-- request creates one.
function client_queues.share_of(r, list, is_refused)
  r.own_limits = r.own_limits or { queues = {}, order = {}, first = 1, last = 0, promises = 0 }
  return (is_refused or r.own_limits.queues[list[2].id])
    and { own_limits = r.own_limits, name = list[1].id, priority = 2, weight = 1, headroom = 0, floor = 0, ticket = false, max_wait_us = 0,
      is_alone = true }
end

-- Looks at the queues that were looked at longest ago. Drops those that are empty and refused no request for a window.
function client_queues.tidy(r, now)
  local own_limits = r.own_limits
  for _ = 1, own_limits and math.min(MOST_TIDIED, own_limits.last - own_limits.first + 1) or 0 do
    local q = own_limits.order[own_limits.first]
    own_limits.order[own_limits.first], own_limits.first = nil, own_limits.first + 1
    if now >= q.lapse_at then reservations.let_go(q, now) end
    if #q.order == 0 and math.max(q.short_keys, unpack(q.short)) < now - r.pool[WINDOW] then
      own_limits.queues[q.class] = nil
    else
      own_limits.last = own_limits.last + 1
      own_limits.order[own_limits.last] = q
    end
  end
end

-- The queues of clients' own limits, one for each group. Heartbeats report the queues of pools, and not these. They lend
-- the room that is left, as the headers say: see queue/claim. Ten thousand clients may each be refused once, so the first
-- refusal creates a queue, and heartbeats drop it once it is empty.
-- @uses state/pool, queue/reservations
local client_queues = {}
local MOST_OWN = 20000 -- promises in all of them: some 15 MB
local MOST_TIDIED = 100 -- queues, by a heartbeat

-- The asker of a request on a key that it names: all its requests are of one client. If the key has no queue, only a
-- refused request creates one.
function client_queues.ask_of(r, list, is_refused)
  r.own = r.own or { queues = {}, order = {}, first = 1, last = 0, promises = 0 }
  return (is_refused or r.own.queues[list[2].id])
    and { own = r.own, client = list[1].id, rank = 2, weight = 1, kept = 0, floor = 0, ticket = false, waits = 0, lends = true }
end

-- Looks at the queues at which it has not looked for longest. Drops those that are empty and refused nobody for a window.
function client_queues.tidy(r, now)
  local own = r.own
  for _ = 1, own and math.min(MOST_TIDIED, own.last - own.first + 1) or 0 do
    local l = own.order[own.first]
    own.order[own.first], own.first = nil, own.first + 1
    if now >= l.lapse_at then reservations.let_go(l, now) end
    if #l.order == 0 and math.max(l.at_most, unpack(l.short)) < now - r.pool[WINDOW] then
      own.queues[l.class] = nil
    else
      own.last = own.last + 1
      own.order[own.last] = l
    end
  end
end

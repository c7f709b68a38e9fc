-- The clients of a call's requests.
-- @uses numbers, line

-- Parses ` client rank weight kept floor ticket millis` of each request: a name; 1 for the highest priority; its share among those
-- of its rank; thousandths of each limit that it must leave free, and that its rank has before all others; of a request
-- that waits and asks again what tells it apart, else -; and how long it waits. The weight is 0 if the client shares the pool
-- with nobody: its queue lends the room that is left, see include/claims. If that is so of all, one client's, which do not
-- wait and have no priority, there is only ` client`.
function line.asks_at(call, at, count)
  local asks, alone = {}, string.match(call, '^ (%S+)$', at)
  if alone then
    for n = 1, count do
      asks[n] = { client = alone, rank = 2, weight = 1, kept = 0, floor = 0, ticket = false, waits = 0, lends = true }
    end
    return asks, #call + 1
  end
  for n = 1, count do
    local client, rank, weight, kept, floor, ticket, millis, next_at =
      string.match(call, '^ (%S+) ([123]) (%d+) (%d+) (%d+) (%S+) (%d+)()', at)
    if not next_at then error({ err = 'BADARG an asker is `client rank weight kept floor ticket millis`' }) end
    asks[n], at = {
      client = client, rank = rank + 0, weight = math.max(1, bounded(weight, 'weight')),
      kept = bounded(kept, 'kept') / 1000, floor = bounded(floor, 'floor') / 1000,
      ticket = ticket ~= '-' and ticket, waits = 1000 * bounded(millis, 'millis'), lends = weight == '0',
    }, next_at
  end
  return asks, at
end

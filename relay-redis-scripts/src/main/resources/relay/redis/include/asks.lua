-- The clients of a call's requests.
-- @uses numbers, line

-- Parses ` client rank weight kept floor ticket millis mark` of each request: a name; 1 for the highest priority; its share among
-- those of its rank; thousandths of each limit that it must leave free, and that its rank has before all others; of a request
-- that waits and asks again what tells it apart, else -; how long it waits; and what it and its repetition have in common, - if
-- that is unknown. The weight is 0 if the client shares the pool with nobody: its queue lends the room that is left, see
-- include/claims. If that is so of all, one client's, which do not wait and have no priority, there is ` client =`, and then
-- ` mark` of each.
function line.asks_at(call, at, count)
  local asks, alone, next_at = {}, string.match(call, '^ (%S+) =()', at)
  at = alone and next_at or at
  for n = 1, count do
    local client, rank, weight, kept, floor, ticket, millis, mark
    if alone then
      mark, at = string.match(call, '^ (%S+)()', at)
      asks[n] = { client = alone, rank = 2, weight = 1, kept = 0, floor = 0, ticket = false, waits = 0, lends = true }
    else
      client, rank, weight, kept, floor, ticket, millis, mark, at =
        string.match(call, '^ (%S+) ([123]) (%d+) (%d+) (%d+) (%S+) (%d+) (%S+)()', at)
      asks[n] = at and {
        client = client, rank = rank + 0, weight = math.max(1, bounded(weight, 'weight')), lends = weight == '0',
        kept = bounded(kept, 'kept') / 1000, floor = bounded(floor, 'floor') / 1000,
        ticket = ticket ~= '-' and ticket, waits = 1000 * bounded(millis, 'millis'),
      }
    end
    if not at then error({ err = 'BADARG an asker is `client rank weight kept floor ticket millis mark`' }) end
    asks[n].mark = mark ~= '-' and mark
  end
  return asks, at
end

-- The clients of a call's requests.
-- @uses numbers, line

-- Parses ` client rank weight kept floor ticket millis mark` of each request: a name; 1 for the highest priority; its share among
-- those of its rank; thousandths of each limit that it must leave free, and that its rank has before all others; of a request
-- that waits and asks again what tells it apart, else -; how long it waits; and what it and its repetition have in common, - if
-- that is unknown. The weight is 0 if the client shares the pool with nobody: its queue lends the room that is left, see
-- include/claims. Where all requests are of one such client, do not wait and have no priority, there is ` client =`, and
-- then ` mark` of each. Returns the asks, or nil and what the call says of that client; and the position of the rest.
function line.asks_at(call, at, count)
  local alone, marks_at = string.match(call, '^ (%S+) =()', at)
  if alone then return nil, { client = alone, call = call, at = marks_at, n = 1 }, #call + 1 end
  local asks = {}
  for n = 1, count do
    local client, rank, weight, kept, floor, ticket, millis, mark, next_at =
      string.match(call, '^ (%S+) ([123]) (%d+) (%d+) (%d+) (%S+) (%d+) (%S+)()', at)
    if not next_at then error({ err = 'BADARG an asker is `client rank weight kept floor ticket millis mark`' }) end
    asks[n], at = {
      client = client, rank = rank + 0, weight = math.max(1, bounded(weight, 'weight')), lends = weight == '0',
      kept = bounded(kept, 'kept') / 1000, floor = bounded(floor, 'floor') / 1000,
      ticket = ticket ~= '-' and ticket, waits = 1000 * bounded(millis, 'millis'), mark = mark ~= '-' and mark,
    }, next_at
  end
  return asks, nil, at
end

-- The asker of the request whose turn it is: the `n`th of a client that is alone. Most find room and no queue, and need none.
function line.ask_of_lone(lone)
  if not lone.marks then
    lone.marks = {}
    for mark in string.gmatch(string.sub(lone.call, lone.at), ' (%S+)') do table.insert(lone.marks, mark) end
  end
  local mark = lone.marks[lone.n]
  if not mark then error({ err = 'BADARG each request has a mark' }) end
  return { client = lone.client, rank = 2, weight = 1, kept = 0, floor = 0, ticket = false, waits = 0, lends = true,
    mark = mark ~= '-' and mark }
end

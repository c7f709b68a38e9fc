-- The clients of a call's requests.
-- @uses wire/numbers
local clients = {}

-- What a request and its repetition have in common; a sign before it tells whether this is a repetition.
local function mark_of(ask, text)
  local sign, mark = string.match(text, '^([+.]?)(.*)$')
  ask.mark, ask.is_new = mark ~= '-' and mark, sign == '.'
  return ask
end

-- Parses ` client rank weight kept floor ticket millis mark` of each request: a name; 1 for the highest priority; its share among
-- those of its rank; thousandths of each limit that it must leave free, and that its rank has before all others; of a request
-- that waits and asks again what tells it apart, else -; how long it waits; and what it and its repetition have in common, - if
-- that is unknown, with a + before it if it is a repetition, a dot if it is a first try. The weight is 0 if the client
-- shares the pool with nobody: its queue lends the room that is left, see queue/claim. Where all requests are of one such
-- client, do not wait and have no priority, there is ` client =`, and then ` mark` of each. Gives each request its client, or
-- returns what the call says of that one; and the position of the rest.
function clients.parse(call, at, requests)
  local alone, marks_at = string.match(call, '^ (%S+) =()', at)
  if alone then return { client = alone, call = call, at = marks_at, n = 1 }, #call + 1 end
  for _, request in ipairs(requests) do
    local client, rank, weight, kept, floor, ticket, millis, mark, next_at =
      string.match(call, '^ (%S+) ([123]) (%d+) (%d+) (%d+) (%S+) (%d+) (%S+)()', at)
    if not next_at then error({ err = 'BADARG an asker is `client rank weight kept floor ticket millis mark`' }) end
    request.client, at = {
      client = client, rank = rank + 0, weight = math.max(1, numbers.bounded(weight, 'weight')), lends = weight == '0',
      kept = numbers.bounded(kept, 'kept') / 1000, floor = numbers.bounded(floor, 'floor') / 1000,
      ticket = ticket ~= '-' and ticket, waits = 1000 * numbers.bounded(millis, 'millis'),
    }, next_at
    mark_of(request.client, mark)
  end
  return nil, at
end

-- The asker of the request whose turn it is: the `n`th of a client that is alone. Most find room and no queue, and need none.
function clients.of_lone(lone)
  if not lone.marks then
    lone.marks = {}
    for mark in string.gmatch(string.sub(lone.call, lone.at), ' (%S+)') do table.insert(lone.marks, mark) end
  end
  local mark = lone.marks[lone.n]
  if not mark then error({ err = 'BADARG each request has a mark' }) end
  return mark_of({ client = lone.client, rank = 2, weight = 1, kept = 0, floor = 0, ticket = false, waits = 0, lends = true },
    mark)
end

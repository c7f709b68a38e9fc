-- Parses the shares of a call's requests: each names its client, and how that divides a short pool with others.
-- @uses wire/numbers
local clients = {}

-- Sets a share's mark, which a request and its repetition have in common, and whether the sender says that it is a first try.
local function mark_of(share, text)
  local sign, mark = string.match(text, '^([+.]?)(.*)$')
  share.mark, share.is_new = mark ~= '-' and mark, sign == '.'
  return share
end

-- Parses ` client priority weight headroom floor ticket millis mark` of each request: a name; 1 for the highest priority; the weight
-- among clients of one priority; the thousandths of each limit that the request leaves free, and that its priority has before all
-- others; a ticket that tells a waiting request apart, or -; how long the request waits; and the mark that a request and its
-- repetition have in common, - if unknown, after a + in a repetition, after a dot in a first try. Weight 0: the client is alone with
-- the pool, and its queue lends room that is left, see queue/claim. If all requests are of one such client, do not wait and have no
-- priority, the call has ` client =`, and then ` mark` of each. Gives each request its share, or returns the call of that client;
-- also returns the position of the rest.
function clients.parse(call, at, requests)
  local alone, marks_at = string.match(call, '^ (%S+) =()', at)
  if alone then return { name = alone, call = call, at = marks_at, n = 1 }, #call + 1 end
  for _, request in ipairs(requests) do
    local name, priority, weight, headroom, floor, ticket, millis, mark, next_at =
      string.match(call, '^ (%S+) ([123]) (%d+) (%d+) (%d+) (%S+) (%d+) (%S+)()', at)
    if not next_at then error({ err = 'BADARG a share is `client priority weight headroom floor ticket millis mark`' }) end
    request.share, at = {
      name = name, priority = priority + 0, weight = math.max(1, numbers.bounded(weight, 'weight')), is_alone = weight == '0',
      headroom = numbers.bounded(headroom, 'headroom') / 1000, floor = numbers.bounded(floor, 'floor') / 1000,
      ticket = ticket ~= '-' and ticket, max_wait_us = 1000 * numbers.bounded(millis, 'millis'),
    }, next_at
    mark_of(request.share, mark)
  end
  return nil, at
end

-- The share of the `n`th request of a client that is alone. Most requests find room and no queue, and need none.
function clients.of_lone(lone)
  if not lone.marks then
    lone.marks = {}
    for mark in string.gmatch(string.sub(lone.call, lone.at), ' (%S+)') do table.insert(lone.marks, mark) end
  end
  local mark = lone.marks[lone.n]
  if not mark then error({ err = 'BADARG each request has a mark' }) end
  return mark_of({ name = lone.name, priority = 2, weight = 1, headroom = 0, floor = 0, ticket = false, max_wait_us = 0, is_alone = true },
    mark)
end

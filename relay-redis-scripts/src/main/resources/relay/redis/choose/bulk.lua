-- Requests for several at once, of leases that last: the limits of requests count all of them. `ASKED` of the pool's record tells the
-- checks how many a request is for. If fewer will do, it stands in line as one. Then it gets as many as the key that is chosen
-- for one has room for.
-- @uses state/pool, state/open_leases, choose/choice, wire/replies
local bulk = {}

-- A part of an amount, rounded up: exact, though the product may be above 2^53.
local function part_of(amount, count, all)
  local each = math.floor(amount / all)
  return each * count + math.ceil((amount - each * all) * count / all)
end

-- Makes a request one for a part of those that it asks for, with their part of the tokens.
local function take_part(r, request, count)
  local all, input, output, spread = unpack(request.whole)
  request.count, r.pool[ASKED] = count, count
  request.input, request.output = part_of(input, count, all), part_of(output, count, all)
  request.spread = spread and part_of(spread, count, all)
end

-- Begins to serve a request with a lease that lasts. Returns false if its owner has too many: that is replied.
function bulk.begin(r, request, now)
  if open_leases.are_too_many(r, request.id, now) then
    replies.too_many_open(request)
    return false
  end
  r.pool[ASKED] = request.count
  if request.partial and request.count > 1 then
    request.whole = { request.count, request.input, request.output, request.spread }
    take_part(r, request, 1)
  end
  return true
end

-- One that will do with a part gets all, for nothing is enforced.
function bulk.take_all(r, request)
  if request.whole then take_part(r, request, request.whole[1]) end
end

-- A candidate has room for one of the requests, with this input and output: takes as many as it has room for, while it leaves a
-- share of each limit to others. Returns what to reserve there, and how many it takes.
function bulk.enlarge(r, request, k, g, now, input, output)
  local pair, low, high = { k, g }, 1, request.whole[1]
  local count, left = high, request.share and request.share.checked_headroom
  while low < high do
    take_part(r, request, count)
    local best, want_in, want_out = choice.best_of(r, pair, request, now, nil, 1, left)
    if best then low, input, output = count, want_in, want_out else high = count - 1 end
    count = math.ceil((low + high) / 2)
  end
  take_part(r, request, low)
  return input, output, low
end

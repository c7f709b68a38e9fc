-- The queue of a large pool. Its order is that of queue/queue, but a promise is of no group, for a call does not compare all
-- groups. Instead there is a room for each promise: capacity that comes free in some group. When as many rooms have come
-- as a request's place in its rank is, it takes one, whichever that is. A rank that is served evenly, because it leaves some of
-- each window, has no rooms: the times of its promises are those of its pace.
--
-- The index knows when a group is free behind all its rooms. So it offers nobody what was promised, and its first time is
-- that of a new room. Where that is the time of a lower priority only, the group is in that one's band: see choose/ready_sets.
-- @uses state/pool, state/pool_key, state/records, choose/ready_sets, choose/parking, choose/search, choose/denial
-- @uses queue/queue, queue/claim, queue/free_slots, queue/reservations, queue/openings, queue/whole_windows
-- @uses queue/queue_place
local large_queue = {}
local MOST_TRIED = 3 -- rooms that have come, in one request

-- The line of a model class. `index`: the ready sets of the class, in `sets` from `first` to `last`.
function large_queue.of(r, index)
  local large = ready_sets.large_in(r, index.sets[index.first])
  if not large.class then
    local set = string.gsub(index.sets[index.first], ':spare$', '')
    large.class = string.match(set, '}:ready:[^:]*:(.*):[^:]*$')
  end
  local l = queue.of(r, large, true)
  if not l.rooms then
    l.rooms, l.held, l.grants, l.seen = { [0] = {}, {}, {}, {} }, { [0] = {}, {}, {}, {} }, 0, { 0, 0, 0 }
  end
  return l
end

-- A request of this rank has come.
function large_queue.see(r, index, ask, now, spread)
  local l = large_queue.of(r, index)
  ask.line, ask.spread, l.seen[ask.rank] = l, spread, now
  return l
end

-- A group that tells what a request costs: the same for all requests, or their tags could not be compared.
local function scale_of(r, index)
  local row = redis.call('ZRANGE', index.sets[index.first], 0, 0)[1]
  return records.group(r, string.match(row, ' (%S+)$'))
end

-- Whether the room or the place has come of a client's promise that was told a later time.
local function has_come(r, index, ask, one, now)
  local l = ask.line
  local place = queue.place_of(l.order, one)
  if one.at_most then return free_slots.free_places(r, index, ask, now) > free_slots.waiting_before(l, place - 1) end
  local room = l.rooms[one.rank][openings.nth_of(l, one.rank, place - 1)]
  return room and room.at <= now
end

-- The priority in whose band the request parks what is not free for it; nil if that is not free for anybody.
local function band_of(l, ask, since)
  if ask.kept > 0 then return ask.rank > 1 and ask.rank or nil end
  for rank = 1, ask.rank - 1 do
    if l.seen[rank] >= since then return ask.rank end
  end
end

local function place_in(r, index, request, now, borrows)
  local ask, p = request.client, r.pool
  local l = ask.line
  local c = queue.client(r, l, ask, now)
  l.scale = l.scale or scale_of(r, index)
  local groups = (ask.floor > 0 or ask.kept > 0) and openings.groups_in(r, index) or 0
  ask.band = band_of(l, ask, now - p[WINDOW])
  local mine, lent = claim.stands_at(c, ask, now, p, request.input + request.output, borrows, function(one)
    return has_come(r, index, ask, one, now)
  end)
  ask.of_place = l.places and 1 / l.places or 0
  local least = l.at_most > now - p[WINDOW] and ask.of_place or 0
  queue_place.come(r, request, c, groups)
  queue_place.take_place(r, request, mine, lent, l.scale, least, now)
  ask.nth = openings.nth_of(l, ask.place, ask.count)
  if ask.place == 0 then
    ask.kept, ask.band = 0, nil -- a floor has rooms, and leaves nothing to anybody
  elseif ask.kept > 0 and p[BUCKET] ~= 1 then
    local ripe = reservations.before(r, ask, now)
    ask.even = true
    queue_place.leave_some(l, ask, now, groups, ripe and whole_windows.limits_in(ripe[l.scale], l.scale) or 0)
    if ask.wait and not l.last then ask.wait, ask.kept = nil, ask.leaves end
  end
end

-- The room of a request's place, if it has come: the key and group, what to reserve, and the ready set. `has_come` marks
-- rooms that were found to have come, for those before it.
local function take_room(r, index, request, now)
  local ask, avoided = request.client, index.avoided
  local l, place, rooms = ask.line, ask.nth, ask.line.rooms[ask.place]
  for _ = 1, MOST_TRIED do
    local n = 1
    if not rooms[place] or rooms[place].at > now or avoided['{} ' .. rooms[place].group.id] then return end
    while n < place and rooms[n].has_come do n = n + 1 end
    local room = openings.remove(l, ask.place, n)
    local k, g, want_in, want_out, set = openings.look_at(r, index, request, room, n - 1, now)
    if k and n == place then return k, g, want_in, want_out, set end
    room.has_come = k and true
    if room.at < math.huge then openings.add(l, ask.place, room) end
  end
end

-- The time of the room of a place. Those of the first places are exact, as long as nobody comes before.
local function time_of(r, index, request, now)
  local ask, avoided = request.client, index.avoided
  local l, place, rooms = ask.line, ask.nth, ask.line.rooms[ask.place]
  for _ = 1, place <= MOST_TRIED and MOST_TRIED or 0 do
    local room = rooms[place]
    if not room or room.at > now and room.checked == l.grants or avoided['{} ' .. room.group.id] then break end
    openings.remove(l, ask.place, place)
    room.checked = l.grants
    openings.look_at(r, index, request, room, place - 1, now)
    if room.at < math.huge then openings.add(l, ask.place, room) end
    if room.at <= now then break end
  end
  return rooms[place] and rooms[place].at or math.huge
end

-- The time of a request that is served evenly, behind those of its rank.
local function evenly(l, ask, now, opens)
  local free_at = math.max(now + 1, l.paced[ask.rank] or 0) + (ask.nth - 1) * ask.cost * (ask.pace or 0)
  return math.max(opens, free_at)
end

-- Whether a request may have what is left before those that wait: if they are of another size. Those of one size find nothing
-- where others did not.
local function may_pass(r, index, request, now)
  local ask = request.client
  return ask.lends and claim.is_left(ask.line, now, r.pool)
    and redis.call('HGET', r.state, 's:' .. index.sets[index.first]) ~= parking.size_of(r, request.input, request.output)
end

-- As `denial.find_or_deny`, for a request that has a place in the queue.
function large_queue.find(r, index, request, now)
  local k, g, want_in, want_out, set, answer = large_queue.choose(r, index, request, now)
  if k and free_slots.lacks_key(r, index, request.client, now) then
    return nil, nil, nil, nil, nil, { opens = now + 1e6, reason = 5, opener = k.id, k = k, g = g }
  end
  return k, g, want_in, want_out, set, answer
end

function large_queue.choose(r, index, request, now)
  local ask, set = request.client, index.sets[index.first]
  local l = large_queue.see(r, index, ask, now, request.spread)
  if now >= l.lapse_at then
    reservations.let_go(l, now)
    openings.give_back(r, l)
  end
  local waits = l.order[1]
  if ask.kept == 0 and (not waits or may_pass(r, index, request, now)) then
    local k, g, want_in, want_out, picked, answer = denial.find_or_deny(r, index, request, now)
    if k ~= nil or not waits then return k, g, want_in, want_out, picked, answer end
  end
  place_in(r, index, request, now, true)
  if ask.wait then return nil, nil, nil, nil, nil, setmetatable({ opens = now + 1 }, { __index = l.last }) end
  local k, g, want_in, want_out, picked = take_room(r, index, request, now)
  if k then return k, g, want_in, want_out, picked end
  if ask.even and not openings.holds_rooms(ask) then -- most find room at once: no group need be charged for that
    request.view = { rank = ask.band, left = ask.kept }
    k, g, want_in, want_out = search.find_ready(r, index, set, request, now)
    request.view = nil
    if k ~= nil then return k, g, want_in, want_out, set end
  end
  return openings.charged(r, request, l.held[ask.place], now, function()
    return denial.find_or_deny(r, index, request, now)
  end)
end

-- It is granted in a group.
function large_queue.found(r, index, request, now)
  local ask = request.client
  local l = ask.line
  if not ask.of and ask.floor > 0 then place_in(r, index, request, now) end
  queue_place.granted(ask, now)
  l.grants = l.grants + 1
  openings.give_back(r, l)
end

-- It is refused: the time of the room of its place.
function large_queue.refused(r, index, request, answer, now)
  local ask = request.client
  local l = ask.line
  if answer.reason == 5 then l.places = math.max(1, answer.k[K_MAX]) end
  if not ask.of then
    place_in(r, index, request, now)
  elseif ask.lent then -- it gets a place of its own
    queue_place.take_place(r, request, nil, nil, l.scale, ask.cost, now)
    ask.nth = openings.nth_of(l, ask.place, ask.count)
  end
  if ask.even then
    if not ask.wait then l.last = answer end
    local opens = evenly(l, ask, now, answer.opens)
    local reason = ask.wait and 0 or answer.reason -- who is only not served yet shows no pool short
    queue_place.promise(request, now, opens, reason, answer.opener, l.scale)
    return opens
  end
  local rank, opens = ask.place, answer.opens
  if answer.reason ~= 5 then
    opens = math.max(now + 1, math.min(opens, time_of(r, index, request, now)))
  end
  queue_place.promise(request, now, opens, answer.reason, answer.opener, l.scale)
  if answer.reason ~= 5 and #l.rooms[rank] < openings.waiting_in(l, rank) then
    openings.add(l, rank, { at = answer.opens, group = answer.g, count = ask.requests, input = request.input, output = request.output })
    openings.charged(r, request, l.held[rank], now, function() openings.park(r, index, request, answer.g, now) end)
  end
  return opens
end

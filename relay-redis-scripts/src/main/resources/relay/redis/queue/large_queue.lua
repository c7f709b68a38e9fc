-- The queue of a large pool. Its order is that of queue/queue, but a promise is of no group, since a call does not compare all
-- groups. Instead the queue lists a room for each promise: capacity that comes free in some group. A request whose place is the nth of
-- its rank is served when n rooms are free, and takes any of them. A rank that is paced, because it leaves headroom in a window, has no
-- rooms: its retry times follow its pace.
--
-- The index knows when a group is free behind all its rooms. So it offers no promised capacity, and its first time is that of a new
-- room. A time that holds for a lower priority only puts the group into the band of that priority: see choose/ready_sets.
-- @uses wire/reasons, state/pool, state/pool_key, state/records, choose/ready_sets, choose/parking, choose/search, choose/denial
-- @uses queue/queue, queue/claim, queue/large_concurrency, queue/reservations, queue/large_rooms, queue/whole_windows
-- @uses queue/queue_place
local large_queue = {}
local MOST_TRIED = 3 -- free rooms that one request tries

-- The queue of a model class. `index`: the ready sets of the class, in `sets` from `first` to `last`.
function large_queue.of(r, index)
  local large = ready_sets.large_in(r, index.sets[index.first])
  if not large.class then
    local set = string.gsub(index.sets[index.first], ':spare$', '')
    large.class = string.match(set, '}:ready:[^:]*:(.*):[^:]*$')
  end
  local q = queue.of(r, large, true)
  if not q.rooms then
    q.rooms, q.held, q.grants, q.seen = { [0] = {}, {}, {}, {} }, { [0] = {}, {}, {}, {} }, 0, { 0, 0, 0 }
  end
  return q
end

-- Notes that a request of this priority asks, and gives its share the queue.
function large_queue.see(r, index, share, now, spread)
  local q = large_queue.of(r, index)
  share.queue, share.spread, q.seen[share.priority] = q, spread, now
  return q
end

-- The group whose limits tell what each request costs. It is the same for all: otherwise tags could not be compared.
local function scale_of(r, index)
  local row = redis.call('ZRANGE', index.sets[index.first], 0, 0)[1]
  return records.group(r, string.match(row, ' (%S+)$'))
end

-- Returns whether a promise can be served before its retry time: its room, or concurrency of a key, is free.
local function has_come(r, index, share, promise, now)
  local q = share.queue
  local place = queue.place_of(q.order, promise)
  if promise.waits_for_end then return large_concurrency.free(r, index, share, now) > large_concurrency.waiting_before(q, place - 1) end
  local room = q.rooms[promise.rank][large_rooms.nth_of(q, promise.rank, place - 1)]
  return room and room.at <= now
end

-- The priority in whose band a request parks candidates that are not free for it; nil if they are free for no priority.
local function band_of(q, share, since)
  if share.headroom > 0 then return share.priority > 1 and share.priority or nil end
  for rank = 1, share.priority - 1 do
    if q.seen[rank] >= since then return share.priority end
  end
end

local function place_in(r, index, request, now, borrows)
  local share, p = request.share, r.pool
  local q = share.queue
  local c = queue.client(r, q, share, now)
  q.scale = q.scale or scale_of(r, index)
  local groups = (share.floor > 0 or share.headroom > 0) and large_rooms.groups_in(r, index) or 0
  share.band = band_of(q, share, now - p[WINDOW])
  local claimed, borrowed = claim.place_of(c, share, now, p, request.input + request.output, borrows, function(promise)
    return has_come(r, index, share, promise, now)
  end)
  share.concurrency_cost = q.key_concurrency and 1 / q.key_concurrency or 0
  local least = q.short_keys > now - p[WINDOW] and share.concurrency_cost or 0
  queue_place.arrive(r, request, c, groups)
  queue_place.take_place(r, request, claimed, borrowed, q.scale, least, now)
  share.nth = large_rooms.nth_of(q, share.rank, share.ahead_count)
  if share.rank == 0 then
    share.headroom, share.band = 0, nil -- a request under the floor has a room, and leaves no headroom
  elseif share.headroom > 0 and p[BUCKET] ~= 1 then
    local reserved = reservations.before(r, share, now)
    share.is_paced = true
    queue_place.leave_headroom(q, share, now, groups, reserved and whole_windows.limits_in(reserved[q.scale], q.scale) or 0)
    if share.paced_wait_us and not q.last_answer then share.paced_wait_us, share.headroom = nil, share.full_headroom end
  end
end

-- Takes the room of a request's place, if it is free: returns the key and group, what to reserve, and the ready set. `is_free` marks
-- rooms that were found free, for the places before.
local function take_room(r, index, request, now)
  local share, avoided = request.share, index.avoided
  local q, place, rooms = share.queue, share.nth, share.queue.rooms[share.rank]
  for _ = 1, MOST_TRIED do
    local n = 1
    if not rooms[place] or rooms[place].at > now or avoided['{} ' .. rooms[place].group.id] then return end
    while n < place and rooms[n].is_free do n = n + 1 end
    local room = large_rooms.remove(q, share.rank, n)
    local k, g, want_in, want_out, set = large_rooms.look_at(r, index, request, room, n - 1, now)
    if k and n == place then return k, g, want_in, want_out, set end
    room.is_free = k and true
    if room.at < math.huge then large_rooms.add(q, share.rank, room) end
  end
end

-- The time at which the room of a request's place comes free. It is exact for the first places, unless a request comes before.
local function time_of(r, index, request, now)
  local share, avoided = request.share, index.avoided
  local q, place, rooms = share.queue, share.nth, share.queue.rooms[share.rank]
  for _ = 1, place <= MOST_TRIED and MOST_TRIED or 0 do
    local room = rooms[place]
    if not room or room.at > now and room.checked == q.grants or avoided['{} ' .. room.group.id] then break end
    large_rooms.remove(q, share.rank, place)
    room.checked = q.grants
    large_rooms.look_at(r, index, request, room, place - 1, now)
    if room.at < math.huge then large_rooms.add(q, share.rank, room) end
    if room.at <= now then break end
  end
  return rooms[place] and rooms[place].at or math.huge
end

-- The retry time of a request that is paced, behind the earlier ones of its priority.
local function evenly(q, share, now, opens)
  local free_at = math.max(now + 1, q.paced_until[share.priority] or 0) + (share.nth - 1) * share.cost * (share.pace_us or 0)
  return math.max(opens, free_at)
end

-- Returns whether a request may have the room that is left, before requests that wait: if its size differs from theirs. Requests of
-- one size find nothing where others of that size did not.
local function may_pass(r, index, request, now)
  local share = request.share
  return share.is_alone and claim.is_room_left(share.queue, now, r.pool)
    and redis.call('HGET', r.state, 's:' .. index.sets[index.first]) ~= parking.size_of(r, request.input, request.output)
end

-- As `denial.find_or_deny`, for a request that has a share: it respects promises and free concurrency.
function large_queue.find(r, index, request, now)
  local k, g, want_in, want_out, set, answer = large_queue.choose(r, index, request, now)
  if k and large_concurrency.is_promised(r, index, request.share, now) then
    return nil, nil, nil, nil, nil, { opens = now + 1e6, reason = CONCURRENCY, opener = k.id, k = k, g = g }
  end
  return k, g, want_in, want_out, set, answer
end

function large_queue.choose(r, index, request, now)
  local share, set = request.share, index.sets[index.first]
  local q = large_queue.see(r, index, share, now, request.spread)
  if now >= q.lapse_at then
    reservations.let_go(q, now)
    large_rooms.give_back(r, q)
  end
  local waits = q.order[1]
  if share.headroom == 0 and (not waits or may_pass(r, index, request, now)) then
    local k, g, want_in, want_out, picked, answer = denial.find_or_deny(r, index, request, now)
    if k ~= nil or not waits then return k, g, want_in, want_out, picked, answer end
  end
  place_in(r, index, request, now, true)
  if share.paced_wait_us then return nil, nil, nil, nil, nil, setmetatable({ opens = now + 1 }, { __index = q.last_answer }) end
  local k, g, want_in, want_out, picked = take_room(r, index, request, now)
  if k then return k, g, want_in, want_out, picked end
  if share.is_paced and not large_rooms.holds_rooms(share) then -- most requests find room at once: no group need be charged
    request.view = { rank = share.band, checked_headroom = share.headroom }
    k, g, want_in, want_out = search.find_ready(r, index, set, request, now)
    request.view = nil
    if k ~= nil then return k, g, want_in, want_out, set end
  end
  return large_rooms.charged(r, request, q.held[share.rank], now, function()
    return denial.find_or_deny(r, index, request, now)
  end)
end

-- A request is granted in some group: ends the promise that it claimed, and gives rooms back that no promise needs.
function large_queue.found(r, index, request, now)
  local share = request.share
  local q = share.queue
  if not share.client and share.floor > 0 then place_in(r, index, request, now) end
  queue_place.granted(share, now)
  q.grants = q.grants + 1
  large_rooms.give_back(r, q)
end

-- A request is refused: leaves a promise and returns its retry time, the time of the room of its place.
function large_queue.refused(r, index, request, answer, now)
  local share = request.share
  local q = share.queue
  if answer.reason == CONCURRENCY then q.key_concurrency = math.max(1, answer.k[K_MAX]) end
  if not share.client then
    place_in(r, index, request, now)
  elseif share.borrowed then -- the request gets a place of its own
    queue_place.take_place(r, request, nil, nil, q.scale, share.cost, now)
    share.nth = large_rooms.nth_of(q, share.rank, share.ahead_count)
  end
  if share.is_paced then
    if not share.paced_wait_us then q.last_answer = answer end
    local opens = evenly(q, share, now, answer.opens)
    local reason = share.paced_wait_us and 0 or answer.reason -- a request that waits for its pace only shows no pool short
    queue_place.promise(request, now, opens, reason, answer.opener, q.scale)
    return opens
  end
  local rank, opens = share.rank, answer.opens
  if answer.reason ~= CONCURRENCY then
    opens = math.max(now + 1, math.min(opens, time_of(r, index, request, now)))
  end
  queue_place.promise(request, now, opens, answer.reason, answer.opener, q.scale)
  if answer.reason ~= CONCURRENCY and #q.rooms[rank] < large_rooms.waiting_in(q, rank) then
    large_rooms.add(q, rank, { at = answer.opens, group = answer.g, requests = share.requests, input = request.input, output = request.output })
    large_rooms.charged(r, request, q.held[rank], now, function() large_rooms.park(r, index, request, answer.g, now) end)
  end
  return opens
end

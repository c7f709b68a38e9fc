-- The queue of a large pool. Its order is that of include/line, but a promise is of no group, for a call does not compare all
-- groups. Instead there is a room for each promise: capacity that comes free in some group. When as many rooms have come
-- as a request's place is, it takes one, whichever that is.
--
-- The index knows when a group is free behind all its rooms. So it offers nobody what was promised, and its first time is
-- that of a new room.
-- @uses pool, key, group, records, index, search, denial, line, turn, rooms
line.MOST_TRIED = 3 -- rooms that have come, in one request

-- The line of a model class. `index`: all ready sets, `sets` from `from` on; those of the class are `first` to `last`.
function line.of_index(r, index)
  local large = large_in(r, index.sets[index.first])
  if not large.class then
    local set = string.gsub(index.sets[index.first], ':spare$', '')
    large.class = string.match(set, '}:ready:[^:]*:(.*):[^:]*$')
  end
  local l = line.of(r, large)
  l.rooms, l.held, l.grants = l.rooms or {}, l.held or {}, l.grants or 0
  return l
end

-- The number of groups in the class's ready sets.
function line.groups_in(r, index)
  local count = 0
  for n = index.first, index.last do
    local large = large_in(r, index.sets[n])
    if not large.groups then
      local seen = {}
      large.groups = 0
      for _, row in ipairs(redis.call('ZRANGE', index.sets[n], 0, -1)) do
        local group = string.match(row, ' (%S+)$')
        if not seen[group] then seen[group], large.groups = true, large.groups + 1 end
      end
    end
    count = count + large.groups
  end
  return count
end

-- The promise that a request claims: its client's first one also if its room has come before it was told.
function line.claimed_room(l, c, ask, now, slot)
  local first = c.promises[1]
  if first and not (first.ticket or c.tickets[ask.ticket]) then
    local room = l.rooms[line.place_of(l.order, first)]
    if room and room.at <= now then return first end
  end
  return line.claimed(c, ask, now, slot)
end

function line.place_in(r, index, ask, g, now, input, output)
  local l, c = ask.line, line.client(r, ask.line, ask, now)
  l.scale = l.scale or g -- one group for all requests, or their tags could not be compared
  local groups = ask.floor > 0 and line.groups_in(r, index) or 0
  line.take_place(r, ask, c, line.claimed_room(l, c, ask, now, r.pool[SLOT]), l.scale, groups, now, input, output)
end

-- The room of a request's place, if it has come: the key and group, what to reserve, and the ready set. `has_come` marks
-- rooms that were found to have come, for those before it.
function line.take_room(r, index, ask, now, input, output, favourite, seed, avoided)
  local l, place = ask.line, ask.count + 1
  for _ = 1, line.MOST_TRIED do
    local n = 1
    if not l.rooms[place] or l.rooms[place].at > now then return end
    while n < place and l.rooms[n].has_come do n = n + 1 end
    local room = line.remove_room(l, n)
    local k, g, want_in, want_out, set =
      line.look_at(r, index, ask, room, n - 1, now, input, output, favourite, seed, avoided)
    if k and n == place then return k, g, want_in, want_out, set end
    room.has_come = k and true
    if room.at < math.huge then line.add_room(l, room) end
  end
end

-- The time of the room of a place. Those of the first places are exact, as long as nobody comes before.
function line.time_of(r, index, ask, now, input, output, avoided)
  local l, place = ask.line, ask.count + 1
  for _ = 1, place <= line.MOST_TRIED and line.MOST_TRIED or 0 do
    local room = l.rooms[place]
    if not room or room.at > now and room.checked == l.grants then break end
    line.remove_room(l, place)
    room.checked = l.grants
    line.look_at(r, index, ask, room, place - 1, now, input, output, nil, 1, avoided)
    if room.at < math.huge then line.add_room(l, room) end
    if room.at <= now then break end
  end
  return l.rooms[place] and l.rooms[place].at or math.huge
end

-- As `find`, for a request that has a place in the queue.
function line.find(r, index, ask, now, input, output, spread, favourite, seed, avoided, looks)
  local l = line.of_index(r, index)
  local sets, first, last = index.sets, index.first, index.last
  ask.line, ask.spread = l, spread
  if now >= l.lapse_at then
    line.let_go(l, now)
    line.give_back(r, index, l)
  end
  if not l.order[1] then return find(r, sets, first, last, now, input, output, favourite, seed, avoided, looks) end
  line.place_in(r, index, ask, l.scale, now, input, output)
  local k, g, want_in, want_out, set = line.take_room(r, index, ask, now, input, output, favourite, seed, avoided)
  if k then return k, g, want_in, want_out, set end
  return line.charged(r, l.held, spread, now, function()
    return find(r, sets, first, last, now, input, output, favourite, seed, avoided, looks)
  end)
end

-- It is granted in a group.
function line.found(r, index, ask, g, now, input, output)
  if not ask.of and ask.floor > 0 then line.place_in(r, index, ask, g, now, input, output) end
  line.granted(ask, now)
  ask.line.grants = ask.line.grants + 1
  line.give_back(r, index, ask.line)
end

-- It is refused: the time of the room of its place.
function line.refused(r, index, ask, answer, now, input, output, avoided)
  local l = ask.line
  if not ask.of then line.place_in(r, index, ask, answer.g, now, input, output) end
  local opens = math.max(now + 1, math.min(answer.opens, line.time_of(r, index, ask, now, input, output, avoided)))
  line.promise(ask, now, opens, answer.reason, answer.opener, l.scale, input, output)
  if #l.rooms < #l.order then
    line.add_room(l, { at = answer.opens, group = answer.g, input = input, output = output })
    line.charged(r, l.held, ask.spread, now, function() line.park(r, index, answer.g, now, input, output) end)
  end
  return opens
end

-- Whether the granted candidate stays parked: what it was granted had been promised. Its key's turn ends.
function line.stays_parked(r, ask, set, k, g)
  if not ask.of then return false end
  local keys = large_in(r, set)[g.id]
  local row = row_of(keys and ANY or k, g)
  if tonumber(redis.call('ZSCORE', set, row) or 0) < PARKED then return false end
  if keys then redis.call('ZADD', keys, k[K_PASS], row_of(k, g)) end
  return true
end

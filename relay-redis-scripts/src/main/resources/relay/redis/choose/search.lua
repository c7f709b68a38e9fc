-- How acquire_indexed finds a candidate: it compares a few ready ones, and parks those that cannot carry the
-- request.
-- @uses state/pool, state/records, limits/kinds, choose/choice, choose/ready_sets, choose/parking
local search = {}
local COMPARED, MOST_LOOKS = 2, 64 -- candidates in the first comparison, per call

-- The records of the candidates in rows `from` to `to`, or in all rows. Their groups are charged as a request's `view` says, if
-- it has one: see queue/large_rooms.
function search.list_of(r, rows, view, from, to)
  local list, fields = {}, nil
  from, to = from or 1, to or #rows
  for n = from, to do
    local row = rows[n]
    if not r.lists[row] then
      local key, group = string.match(row, '(%S+) (%S+)')
      fields = fields or {}
      if not r.keys[key] then fields[#fields + 1] = 'k:' .. key end
      if not r.groups[group] then fields[#fields + 1] = 'g:' .. group end
    end
  end
  if fields then records.fetch_all(r, fields) end
  for n = from, to do
    local pair = r.lists[rows[n]] or records.named(r, rows[n])
    list[#list + 1], list[#list + 2] = pair[1], pair[2]
  end
  if view and view.promised then view.promised(list) end
  return list
end

-- Up to `most` rows of a group in a ready set; for a large group, rows of its free keys.
function search.rows_of(r, set, group, now, most, avoided, rank)
  local keys = ready_sets.large_in(r, set)[group]
  if keys then return (parking.next_keys(r, keys, now, 0, most, avoided, rank)) end
  local rows = {}
  for _, row in ipairs(ready_sets.rows_in(r, set, group)) do
    if not avoided[row] and redis.call('ZSCORE', set, row) then rows[#rows + 1] = row end
    if #rows == most then break end
  end
  return rows
end

-- A random ready row of a ready set: a large group as often as it has keys. Nil if that group is parked.
local function random_row(r, set, now, seed, rank)
  local large = ready_sets.large_in(r, set)
  local last = parking.last_ready(rank, now)
  local ready, more = redis.call('ZCOUNT', set, '-inf', last), 0
  if #large > 0 and not large.sums then
    local sums = {}
    for n, group in ipairs(large) do
      more = more + redis.call('ZCARD', large[group]) - 1
      sums[n] = more
    end
    large.sums = sums
  end
  local sums = large.sums or { 0 }
  local at = seed % math.max(1, ready + sums[#sums])
  if at < ready or ready == 0 then return redis.call('ZRANGE', set, at, at, 'WITHSCORES') end
  local low, high = 1, #sums
  while low < high do
    local middle = math.floor((low + high) / 2)
    if at - ready < sums[middle] then high = middle else low = middle + 1 end
  end
  local row = '{} ' .. large[low]
  local score = redis.call('ZSCORE', set, row)
  return tonumber(score or NEVER) <= last and { row, score } or nil
end

-- The ready keys of a large group that a search has found: up to `most`, or a random one. Nil if the key set is lost.
local function keys_of(r, index, walk, group, most, now)
  local set, g = walk.set, records.group(r, group)
  local keys = set .. ':' .. group
  if walk.draws then
    walk.seed = choice.draw(walk.seed)
    local size = math.max(1, redis.call('ZCARD', keys))
    return (parking.next_keys(r, keys, now, walk.seed % size, 1, index.avoided, walk.rank)) -- empty if that key is parked
  end
  local rows, busy = parking.next_keys(r, keys, now, 0, most, index.avoided, walk.rank)
  index.looks = index.looks - busy
  if #rows == 0 then
    local score = ready_sets.score_group(r, set, g)
    if not score then
      redis.call('DEL', set) -- incomplete: the next call has the plan announced again
      return nil
    end
    if busy == 0 and score <= 2 * now + 1 then walk.skipped = walk.skipped + 1 end -- its ready keys are to be avoided
  end
  return rows
end

-- The first rows of a ready set that a search has not looked at, with their scores; or one that it draws. Nil if there is none of these.
-- Also returns how many it wanted.
local function next_found(r, walk, now)
  local strategy, most = r.pool[STRATEGY], walk.tries == 1 and COMPARED or SAMPLE
  walk.draws = strategy == RANDOM and walk.tries <= SAMPLE
  if walk.draws then
    walk.seed = choice.draw(walk.seed)
    return random_row(r, walk.set, now, walk.seed, walk.rank), 1
  end
  if strategy ~= LEAST_LOADED and walk.tries == 1 then most = 1 end
  return redis.call('ZRANGE', walk.set, walk.skipped, walk.skipped + most - 1, 'WITHSCORES'), most
end

-- The rows that a search compares next, and whether all behind them are parked. `false` if none is to be compared.
local function next_rows(r, index, walk, now)
  local found, most = next_found(r, walk, now)
  local rows, parked, avoided = {}, found and #found == 0, index.avoided
  found = found or {}
  local each = math.ceil(2 * most / math.max(2, #found)) -- keys of a large group
  local some = #found > 0 and tonumber(found[#found]) > walk.last -- the last one has the highest score
  for n = 1, #found, 2 do
    if some and tonumber(found[n + 1]) > walk.last then
      parked = true
    elseif avoided[found[n]] then
      if not walk.draws then walk.skipped = walk.skipped + 1 end
      if kinds.are_enough(avoided) then return false end
    elseif ready_sets.whole_of(found[n]) then
      local keys = keys_of(r, index, walk, ready_sets.whole_of(found[n]), each, now)
      if not keys then return false end
      for _, row in ipairs(keys) do rows[#rows + 1] = row end
    else
      rows[#rows + 1] = found[n]
    end
  end
  return rows, parked
end

-- Finds the best ready candidate of a ready set of the index: returns the records of its key and group, and what to reserve
-- there. Returns nothing if no ready candidate can carry the request, and `false` if the call has compared its
-- maximum. What the request must leave, as its view says, is not charged: then none is parked.
function search.find_ready(r, index, set, request, now)
  local view, favourite = request.view, request.favourite
  local rank, left = view and view.rank, view and view.checked_headroom
  parking.wake(r, set, now, rank)
  if favourite then
    local rows = search.rows_of(r, set, string.sub(favourite, 3), now, SAMPLE, index.avoided, rank)
    if #rows > 0 then
      local list = search.list_of(r, rows, view)
      local best, want_in, want_out = choice.best_of(r, list, request, now, nil, request.seed, left)
      if best then return list[best], list[best + 1], want_in, want_out end
    end
  end
  local walk = { set = set, rank = rank, last = parking.last_ready(rank, now), tries = 0, skipped = 0, seed = request.seed, draws = false }
  while index.looks > 0 do
    walk.tries = walk.tries + 1
    if rank and walk.tries > 1 then parking.wake(r, set, now, rank) end -- those that are due are not in front of the band
    local rows, parked = next_rows(r, index, walk, now)
    if not rows then return false end
    if #rows > 0 then
      index.looks = index.looks - #rows
      local list = search.list_of(r, rows, view)
      local best, want_in, want_out = choice.best_of(r, list, request, now, nil, walk.seed, left)
      if best then return list[best], list[best + 1], want_in, want_out end
      if left then return end
      parking.park_all(r, set, list, now, request)
    elseif parked then
      return
    end
  end
  return false
end

-- How acquire_indexed finds a candidate: it compares a few ready ones, and parks those that cannot carry the
-- request.
-- @uses pool, key, group, records, gate, choice, index
local LATEST = 3.9e15 -- later times are treated alike: the odd bit must fit into a double
local COMPARED, SAMPLE, MOST_LOOKS = 2, 4, 64 -- candidates in the first comparison, in a later one, per call

-- The records of the candidates in rows `from` to `to`, or in all rows.
local function list_of(r, rows, from, to)
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
  if fields then fetch_all(r, fields) end
  for n = from, to do
    local pair = r.lists[rows[n]] or named(r, rows[n])
    list[#list + 1], list[#list + 2] = pair[1], pair[2]
  end
  return list
end

-- The score of a candidate parked until `opens` for this reason.
local function parked_at(opens, reason) return 2 * math.min(opens, LATEST) + (reason <= 1 and 0 or 1) end

-- Moves parked candidates that are due to the end of the ready ones.
local function wake(r, set, now)
  if r.wakes[set] and r.wakes[set] > 2 * now + 1 then return end
  local parked = redis.call('ZRANGEBYSCORE', set, PARKED, '+inf', 'WITHSCORES', 'LIMIT', 0, SAMPLE + 1)
  r.wakes[set] = NEVER
  for n = 1, #parked, 2 do
    local score = tonumber(parked[n + 1])
    if n > 2 * SAMPLE or score > 2 * now + 1 then
      r.wakes[set] = score
      break
    end
    redis.call('ZADD', set, r.pool[TURN], parked[n])
  end
end

local function size_of(input, output) return input .. ' ' .. output end

-- Records the size of the requests that parked candidates; `mixed` if the sizes differ.
local function note_size(state, set, size)
  local field = 's:' .. set
  local held = redis.call('HGET', state, field)
  if held ~= size then redis.call('HSET', state, field, (held and held ~= '') and 'mixed' or size) end
end

-- When a candidate can carry a request, as `able_at`. Records the result for `is_shut`.
local function able_and_noted(r, k, g, now, most, input, output)
  local opens, reason = able_at(r, k, g, now, most, input, output)
  if reason > 0 and reason < 5 then r.shut[row_of(k, g)] = { opens, reason, input, output, g } end
  return opens, reason
end

-- Parks a candidate until it can carry this request.
local function park(r, set, k, g, now, input, output)
  if k[K_STOPPED] > 0 then
    park_at(r, set, NEVER, k, g)
  else
    local opens, reason = able_and_noted(r, k, g, now, math.huge, input, output)
    if k == ANY and opens <= now then return place(r, set, g) end
    -- a group too small for this request may be large enough for the next
    if opens == math.huge then opens, reason = now + r.pool[WINDOW], 2 end
    local size = size_of(input, output)
    park_at(r, set, parked_at(opens, reason), k, g, size)
    if reason > 1 then note_size(r.state, set, size) end
  end
end

-- The next ready keys of a large group, from a place on, without those to avoid.
local function next_keys(r, keys, now, from, most, avoided)
  wake(r, keys, now)
  local found = redis.call('ZRANGE', keys, from, from + most - 1 + avoided.count, 'WITHSCORES')
  local rows = {}
  for n = 1, #found, 2 do
    if #rows == most or tonumber(found[n + 1]) > 2 * now + 1 then break end
    if not avoided[found[n]] then rows[#rows + 1] = found[n] end
  end
  return rows
end

-- Parks a key of a large group if it is itself the obstacle. Returns whether it is.
local function park_key(r, keys, k, g, now)
  local opens = key_opens(k, now, now, 0)
  if opens > now then park_at(r, keys, opens == math.huge and NEVER or parked_at(opens, 0), k, g) end
  return opens > now
end

-- Parks candidates that cannot carry this request: of a large group the keys that are busy, and then the group.
local function park_all(r, set, list, now, input, output)
  local large, groups = large_in(r, set), {}
  for c = 1, #list, 2 do
    local k, g = list[c], list[c + 1]
    if large[g.id] then
      park_key(r, large[g.id], k, g, now)
      groups[g] = true
    else
      park(r, set, k, g, now, input, output)
    end
  end
  for g in pairs(groups) do park(r, set, ANY, g, now, input, output) end
end

-- A random ready row of a ready set: a large group as often as it has keys. Nil if that group is parked.
local function random_row(r, set, now, seed)
  local large = large_in(r, set)
  local ready, more = redis.call('ZCOUNT', set, '-inf', 2 * now + 1), 0
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
  return tonumber(score or NEVER) <= 2 * now + 1 and { row, score } or nil
end

-- Finds the best ready candidate of a ready set: returns the records of its key and group, and what to reserve
-- there. Returns nothing if no ready candidate can carry the request, and `false` if the call has compared its
-- maximum.
local function search(r, set, now, input, output, favourite, seed, avoided, looks)
  local p = r.pool
  wake(r, set, now)
  if favourite then
    local rows, group = {}, string.sub(favourite, 3)
    local keys = large_in(r, set)[group]
    if keys then
      rows = next_keys(r, keys, now, 0, SAMPLE, avoided)
    else
      for _, row in ipairs(rows_in(r, set, group)) do
        if not avoided[row] and redis.call('ZSCORE', set, row) then rows[#rows + 1] = row end
        if #rows == SAMPLE then break end
      end
    end
    if #rows > 0 then
      local list = list_of(r, rows)
      local best, want_in, want_out = best_of(r, list, now, input, output, nil, seed)
      if best then return list[best], list[best + 1], want_in, want_out end
    end
  end
  local skipped, tries = 0, 0
  while looks.left > 0 do
    tries = tries + 1
    local most, random, found = tries == 1 and COMPARED or SAMPLE, false, nil
    if p[STRATEGY] == RANDOM and tries <= SAMPLE then
      seed, most, random = draw(seed), 1, true
      found = random_row(r, set, now, seed)
    else
      if p[STRATEGY] ~= LEAST_LOADED and tries == 1 then most = 1 end
      found = redis.call('ZRANGE', set, skipped, skipped + most - 1, 'WITHSCORES')
    end
    local rows, parked = {}, found and #found == 0
    found = found or {}
    local each = math.ceil(2 * most / math.max(2, #found)) -- keys of a large group
    local some = #found > 0 and tonumber(found[#found]) > 2 * now + 1 -- the last one has the highest score
    for n = 1, #found, 2 do
      if some and tonumber(found[n + 1]) > 2 * now + 1 then
        parked = true
      elseif avoided[found[n]] then
        skipped = random and skipped or skipped + 1
      elseif whole_of(found[n]) then
        local g = group_of(r, whole_of(found[n]))
        local keys = set .. ':' .. g.id
        if random then
          seed = draw(seed)
          local size = math.max(1, redis.call('ZCARD', keys))
          rows[1] = next_keys(r, keys, now, seed % size, 1, avoided)[1] -- nil if that key is parked
        else
          local taken = next_keys(r, keys, now, 0, each, avoided)
          for _, row in ipairs(taken) do rows[#rows + 1] = row end
          if #taken == 0 then
            local score = place(r, set, g)
            if not score then
              redis.call('DEL', set) -- incomplete: the next call has the plan announced again
              return false
            end
            if score <= 2 * now + 1 then skipped = skipped + 1 end -- its ready keys are to be avoided
          end
        end
      else
        rows[#rows + 1] = found[n]
      end
    end
    if #rows > 0 then
      looks.left = looks.left - #rows
      local list = list_of(r, rows)
      local best, want_in, want_out = best_of(r, list, now, input, output, nil, seed)
      if best then return list[best], list[best + 1], want_in, want_out end
      park_all(r, set, list, now, input, output)
    elseif parked then
      return
    end
  end
  return false
end

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
    -- a group too small for this request may be large enough for the next
    if opens == math.huge then opens, reason = now + r.pool[WINDOW], 2 end
    local size = size_of(input, output)
    park_at(r, set, parked_at(opens, reason), k, g, size)
    if reason > 1 then note_size(r.state, set, size) end
  end
end

-- Finds the best ready candidate of a ready set: returns the records of its key and group, and what to reserve
-- there. Returns nothing if no ready candidate can carry the request, and `false` if the call has compared its
-- maximum.
local function search(r, set, now, input, output, favourite, seed, avoided, looks)
  local p = r.pool
  wake(r, set, now)
  if favourite then
    local rows = {}
    for _, key in ipairs(names_in(r, 'm:' .. string.sub(favourite, 3))) do
      local row = key .. ' ' .. string.sub(favourite, 3)
      if not avoided[row] and redis.call('ZSCORE', set, row) then rows[#rows + 1] = row end
      if #rows == SAMPLE then break end
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
    local from, most = skipped, tries == 1 and COMPARED or SAMPLE
    if p[STRATEGY] == RANDOM and tries <= SAMPLE then
      seed, most = draw(seed), 1
      from = seed % math.max(1, redis.call('ZCOUNT', set, '-inf', 2 * now + 1))
    elseif p[STRATEGY] ~= LEAST_LOADED and tries == 1 then
      most = 1
    end
    local found = redis.call('ZRANGE', set, from, from + most - 1, 'WITHSCORES')
    local rows, parked = {}, #found == 0
    local some = not parked and tonumber(found[#found]) > 2 * now + 1 -- the last one has the highest score
    for n = 1, #found, 2 do
      if some and tonumber(found[n + 1]) > 2 * now + 1 then
        parked = true
      elseif avoided[found[n]] then
        skipped = from == skipped and skipped + 1 or skipped
      else
        rows[#rows + 1] = found[n]
      end
    end
    if #rows > 0 then
      looks.left = looks.left - #rows
      local list = list_of(r, rows)
      local best, want_in, want_out = best_of(r, list, now, input, output, nil, seed)
      if best then return list[best], list[best + 1], want_in, want_out end
      for c = 1, #list, 2 do park(r, set, list[c], list[c + 1], now, input, output) end
    elseif parked then
      return
    end
  end
  return false
end

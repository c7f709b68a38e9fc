-- How acquire_indexed finds a candidate: it compares a few that are ready, parks those that prove unable, and
-- looks at all that may be able before it denies a request.
-- @uses pool, key, group, records, gate, choice, index
local LATEST = 3.9e15 -- no later time is told apart: the odd bit must fit into a double
local COMPARED, SAMPLE, MOST_LOOKS = 2, 4, 64 -- compared at first, then looked at together, in all

-- The records of candidates.
local function list_of(r, rows)
  local list, fields = {}, nil
  for _, row in ipairs(rows) do
    if not r.lists[row] then
      local key, group = string.match(row, '(%S+) (%S+)')
      fields = fields or {}
      if not r.keys[key] then fields[#fields + 1] = 'k:' .. key end
      if not r.groups[group] then fields[#fields + 1] = 'g:' .. group end
    end
  end
  if fields then fetch_all(r, fields) end
  for n, row in ipairs(rows) do
    local pair = r.lists[row] or named(r, row)
    list[2 * n - 1], list[2 * n] = pair[1], pair[2]
  end
  return list
end

-- The score of one that is parked until `opens` for this reason.
local function parked_at(opens, reason) return 2 * math.min(opens, LATEST) + (reason <= 1 and 0 or 1) end

-- What was parked until now and is due goes to the end of those that are ready.
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

-- Notes of which size the requests were that parked candidates; `mixed` once they differ.
local function note_size(state, set, size)
  local field = 's:' .. set
  local held = redis.call('HGET', state, field)
  if held ~= size then redis.call('HSET', state, field, (held and held ~= '') and 'mixed' or size) end
end

-- Parks one candidate that cannot carry a request: at its time for this request.
local function park(r, set, k, g, now, input, output)
  if k[K_STOPPED] > 0 then
    park_at(r, set, NEVER, k, g)
  else
    local opens, reason = able_at(r, k, g, now, input, output)
    -- one that is too small for this request may be large enough for the next
    if opens == math.huge then opens, reason = now + r.pool[WINDOW], 2 end
    park_at(r, set, parked_at(opens, reason), k, g)
    if reason > 1 then note_size(r.state, set, size_of(input, output)) end
  end
end

-- The best ready candidate of one ready set for a request: the records of its key and group, what it
-- reserves, and nothing if none can carry it. `false` if the looks ran out.
local function search(r, set, now, input, output, favourite, seed, avoided, looks)
  local p = r.pool
  wake(r, set, now)
  if favourite then
    local rows = {}
    for _, key in ipairs(names_in(r, 'm:' .. string.sub(favourite, 3))) do
      local row = key .. ' ' .. string.sub(favourite, 3)
      if #rows < SAMPLE and not avoided[row] and redis.call('ZSCORE', set, row) then rows[#rows + 1] = row end
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
    local some = not parked and tonumber(found[#found]) > 2 * now + 1 -- the last has the highest score
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

-- No candidate of a ready set is ready: when the first can carry the request. Where all are parked by
-- requests of this size, the first few tell; else those that were parked by another are looked at, all
-- of them, and one that can carry it after all is given as by `search`.
local function deny(r, set, now, input, output, avoided, told)
  local state, p, size = r.state, r.pool, size_of(input, output)
  local mixed = redis.call('HGET', state, 's:' .. set) ~= size
  local at, again = 0, {}
  local unlike = false -- whether one stays parked by a request of another size
  while true do
    local found = redis.call('ZRANGE', set, at, at + 15, 'WITHSCORES')
    local rows, past = {}, #found == 0
    for n = 1, #found, 2 do
      local score = tonumber(found[n + 1])
      local bound = math.floor(score / 2)
      if avoided[found[n]] then
        unlike = true
      elseif score == NEVER then
        -- quarantined
      elseif bound < told.opens or (mixed and score % 2 == 1) then
        rows[#rows + 1] = found[n]
      else
        past = past or not mixed
      end
    end
    if #rows > 0 then
      local list = list_of(r, rows)
      local best, want_in, want_out = best_of(r, list, now, input, output, nil, 1)
      if best then return list[best], list[best + 1], want_in, want_out end
      for c = 1, #list, 2 do
        local k, g = list[c], list[c + 1]
        local opens, reason = able_at(r, k, g, now, input, output)
        if opens < told.opens then told.opens, told.reason, told.opener = opens, reason, k.id end
        local standing, dimension, limit = look(k, g, now, p[WINDOW], p[BUCKET] == 1, input, output, math.huge)
        if standing == 2 then
          again[#again + 1] = { NEVER, k, g }
        elseif standing == 3 then
          told.small, unlike = told.small + 1, true
          if limit > told.limit then told.dimension, told.limit = dimension, limit end
        elseif mixed then
          again[#again + 1] = { parked_at(opens, reason), k, g }
        end
      end
    end
    if past then break end
    at = at + 16
  end
  for _, one in ipairs(again) do park_at(r, set, one[1], one[2], one[3]) end
  if mixed then redis.call('HSET', state, 's:' .. set, unlike and 'mixed' or size) end
end

-- The candidate for a request, of the ready sets from place `first` to `last` of `sets`, highest priority first:
-- the records of its key and group, what it reserves, and its ready set. Else nil, and what `deny` found; `false`
-- if the looks ran out.
local function find(r, sets, first, last, now, input, output, favourite, seed, avoided, looks)
  local answer
  for n = first, last do
    local set = sets[n]
    local k, g, want_in, want_out = search(r, set, now, input, output, favourite, seed, avoided, looks)
    if k == nil then
      answer = answer or { opens = math.huge, reason = 0, opener = '', small = 0, dimension = 0, limit = 0 }
      k, g, want_in, want_out = deny(r, set, now, input, output, avoided, answer)
    end
    if k ~= nil then return k, g, want_in, want_out, set end
  end
  return nil, nil, nil, nil, nil, answer
end

-- The index of a large pool: a sorted set for each priority and model class, the ready set, of its
-- candidates, `key group`. One that may be able to carry a request is ready: its score is its turn, and
-- the smallest is looked at first. One that was found unable is parked: its score is twice the time at
-- which it will be able, so it stands behind all that are ready, in the order of that time. The odd
-- bit tells that the time holds for the size of the request that found it; an even one that it is in
-- the way of any request. What gives capacity back makes a candidate ready again.
-- @uses pool, key, group, records, gate, choice
local PARKED = 1e15 -- scores from here on are twice a time in microseconds; turns are far below
local NEVER = 8e15 -- a quarantined one is parked until something reopens it
local LATEST = 3.9e15 -- no later time is told apart: the odd bit must fit into a double
local SAMPLE, MOST_LOOKS = 4, 64

local function row_of(k, g) return k.id .. ' ' .. g.id end

-- The records of candidates.
local function list_of(r, rows)
  local list, fields = {}, {}
  for _, row in ipairs(rows) do
    if not r.lists[row] then
      local key, group = string.match(row, '(%S+) (%S+)')
      if not r.keys[key] then fields[#fields + 1] = 'k:' .. key end
      if not r.groups[group] then fields[#fields + 1] = 'g:' .. group end
    end
  end
  fetch_all(r, fields)
  for n, row in ipairs(rows) do
    local pair = named(r, row)
    list[2 * n - 1], list[2 * n] = pair[1], pair[2]
  end
  return list
end

-- The score of one that is parked until `opens` for this reason.
local function parked_at(opens, reason) return 2 * math.min(opens, LATEST) + (reason <= 1 and 0 or 1) end

local function make_ready(p, row, from, sets)
  for n = from, #sets do
    local score = tonumber(redis.call('ZSCORE', sets[n], row) or 0)
    if score >= PARKED then redis.call('ZADD', sets[n], p[TURN], row) end
  end
end

-- Ready again: all candidates of a group, `m:<group>`, and of a key, `q:<key>`, if one is given. `sets`
-- holds the ready sets from place `from` on.
local function reopen(r, group, key, from, sets)
  if #sets < from then return end
  for _, member in ipairs(names_in(r, 'm:' .. group)) do make_ready(r.pool, member .. ' ' .. group, from, sets) end
  for _, other in ipairs(key and names_in(r, 'q:' .. key) or {}) do
    if other ~= group then make_ready(r.pool, key .. ' ' .. other, from, sets) end
  end
end

-- What was parked until now and is due goes to the end of those that are ready.
local function wake(set, p, now)
  local due = redis.call('ZRANGEBYSCORE', set, PARKED, 2 * now + 1, 'LIMIT', 0, SAMPLE)
  for _, row in ipairs(due) do redis.call('ZADD', set, p[TURN], row) end
end

-- Notes of which size the requests were that parked candidates; `mixed` once they differ.
local function note_size(state, set, size)
  local field = 's:' .. set
  local held = redis.call('HGET', state, field)
  if held ~= size then redis.call('HSET', state, field, (held and held ~= '') and 'mixed' or size) end
end

-- Parks one candidate that cannot carry a request: at its time for this request.
local function park(r, set, size, k, g, now, input, output)
  if k[K_STOPPED] > 0 then
    redis.call('ZADD', set, NEVER, row_of(k, g))
  else
    local opens, reason = able_at(r, k, g, now, input, output)
    -- one that is too small for this request may be large enough for the next
    if opens == math.huge then opens, reason = now + r.pool[WINDOW], 2 end
    redis.call('ZADD', set, parked_at(opens, reason), row_of(k, g))
    if reason > 1 then note_size(r.state, set, size) end
  end
end

-- The best ready candidate of one ready set for a request: the records of its key and group, what it
-- reserves, and nothing if none can carry it. `false` if the looks ran out.
local function search(r, set, size, now, input, output, favourite, seed, avoided, looks)
  local p = r.pool
  wake(set, p, now)
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
    local from, most = skipped, SAMPLE
    tries = tries + 1
    if p[STRATEGY] == RANDOM and tries <= SAMPLE then
      seed, most = draw(seed), 1
      from = seed % math.max(1, redis.call('ZCOUNT', set, '-inf', 2 * now + 1))
    elseif p[STRATEGY] ~= LEAST_LOADED and tries == 1 then
      most = 1
    end
    local found = redis.call('ZRANGE', set, from, from + most - 1, 'WITHSCORES')
    local rows, parked = {}, #found == 0
    for n = 1, #found, 2 do
      local score = tonumber(found[n + 1])
      if score >= PARKED and score > 2 * now + 1 then
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
      for c = 1, #list, 2 do park(r, set, size, list[c], list[c + 1], now, input, output) end
    elseif parked then
      return
    end
  end
  return false
end

-- No candidate of a ready set is ready: when the first can carry the request. Where all are parked by
-- requests of this size, the first few tell; else those that were parked by another are looked at, all
-- of them, and one that can carry it after all is given as by `search`.
local function deny(r, set, size, now, input, output, avoided, told)
  local state, p = r.state, r.pool
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
          again[#again + 1] = { NEVER, row_of(k, g) }
        elseif standing == 3 then
          told.small, unlike = told.small + 1, true
          if limit > told.limit then told.dimension, told.limit = dimension, limit end
        elseif mixed then
          again[#again + 1] = { parked_at(opens, reason), row_of(k, g) }
        end
      end
    end
    if past then break end
    at = at + 16
  end
  for _, one in ipairs(again) do redis.call('ZADD', set, one[1], one[2]) end
  if mixed then redis.call('HSET', state, 's:' .. set, unlike and 'mixed' or size) end
end

-- Writes a pool's candidates into their ready sets, all ready: from place `from` of `rows` on the number
-- of the set, counted after the first five keys, the key and the group of each.
local function index_all(r, sets, rows, from)
  local state = r.state
  local keys_of, groups_of = {}, {}
  for n = from, #rows, 3 do
    local set, key, group = sets[5 + rows[n]], rows[n + 1], rows[n + 2]
    redis.call('ZADD', set, key_of(r, key)[K_PASS], key .. ' ' .. group)
    redis.call('HDEL', state, 's:' .. set)
    keys_of[group] = keys_of[group] and keys_of[group] .. ' ' .. key or key
    groups_of[key] = groups_of[key] and groups_of[key] .. ' ' .. group or group
  end
  for key, groups in pairs(groups_of) do put_names(r, 'q:' .. key, groups) end
  for group, keys in pairs(keys_of) do put_names(r, 'm:' .. group, keys) end
  for n = 6, #sets do redis.call('PEXPIRE', sets[n], keep_ms(r.pool)) end
end

-- The index of a large pool: one sorted set per priority and model class, called a ready set. Its members are
-- the candidates, `key group`. A candidate that may be able to carry a request is ready: its score is its turn,
-- and the smallest turn comes first. A candidate that proved unable is parked: its score is twice the time at
-- which it will be able, which sorts it behind all ready ones, in order of time. An odd score means that the
-- time depends on the size of the request; an even one applies to any request. Returned capacity makes
-- candidates ready again.
--
-- Most calls leave the index unchanged, so some facts are cached with the records. `ready`: all candidates of
-- this key or group are ready; the value is the first ready set checked, which identifies the configuration.
-- `wakes`: when the first parked candidate of a set is due. `sizes`: the size of the request that parked a
-- candidate there. A record read anew has none of these.
-- @uses pool, key, group, records
local PARKED = 1e15 -- scores from here on are twice a time in microseconds; turns stay far below
local NEVER = 8e15 -- a quarantined candidate is parked until something reopens it
local MANY = 100 -- a group with more keys is reopened by one scan of the parked candidates

local function row_of(k, g) return k.id .. ' ' .. g.id end

-- Parks a candidate that cannot carry a request of this size.
local function park_at(r, set, score, k, g, size)
  local row = row_of(k, g)
  redis.call('ZADD', set, score, row)
  local sizes = r.sizes[set]
  if not sizes then
    sizes = {}
    r.sizes[set] = sizes
  end
  sizes[row] = size
  k.ready, g.ready = nil, nil
  local first = r.wakes[set]
  if first and score < first then r.wakes[set] = score end
end

local function make_ready(r, row, from, sets)
  local p = r.pool
  r.shut[row] = nil
  for n = from, #sets do
    local score = tonumber(redis.call('ZSCORE', sets[n], row) or 0)
    if score >= PARKED then redis.call('ZADD', sets[n], p[TURN], row) end
  end
end

-- Makes all parked candidates ready whose rows end so.
local function reopen_parked(r, ending, from, sets)
  for n = from, #sets do
    for _, row in ipairs(redis.call('ZRANGEBYSCORE', sets[n], PARKED, '+inf')) do
      if string.sub(row, -#ending) == ending then make_ready(r, row, n, sets) end
    end
  end
end

-- Makes all candidates ready of a group, `m:<group>`, and of a key, `q:<key>`, if given. `sets` holds the ready
-- sets from index `from` on.
local function reopen(r, group, key, from, sets)
  local first = sets[from]
  if not first then return end
  local g, k = r.groups[group], r.keys[key or '']
  if g and g.ready == first and (not key or k and k.ready == first) then return end
  local members = names_in(r, 'm:' .. group)
  if #members > MANY then
    reopen_parked(r, ' ' .. group, from, sets)
  else
    for _, member in ipairs(members) do make_ready(r, member .. ' ' .. group, from, sets) end
  end
  for _, other in ipairs(key and names_in(r, 'q:' .. key) or {}) do
    if other ~= group then make_ready(r, key .. ' ' .. other, from, sets) end
  end
  if g then g.ready = first end
  if k then k.ready = first end
end

-- Writes a plan's candidates into their ready sets, all ready. `rows` holds from index `from` on the number of
-- the set, counted after the first five keys, the key and the group of each. The key lists of groups in `begun`
-- are rewritten; those of other groups are extended, because an earlier part of the plan has begun them, or
-- another plan that is live. Replicas that start together write the same lists. Returns the names of the sets.
local function index_all(r, sets, rows, from, begun, alone)
  local state = r.state
  local keys_of, listed_of, groups_of, sets_of = {}, {}, {}, {}
  local function add(all, listed_in, field, name)
    local list, listed = all[field], listed_in[field]
    if not list then
      list, listed = {}, {}
      all[field], listed_in[field] = list, listed
      local fresh = alone and string.sub(field, 1, 2) == 'q:' or begun[string.sub(field, 3)]
      for before in string.gmatch(not fresh and redis.call('HGET', state, field) or '', '%S+') do
        list[#list + 1], listed[before] = before, true
      end
    end
    if not listed[name] then list[#list + 1], listed[name] = name, true end
  end
  for n = from, #rows, 3 do
    local set, key, group = sets[5 + rows[n]], rows[n + 1], rows[n + 2]
    redis.call('ZADD', set, key_of(r, key)[K_PASS], key .. ' ' .. group)
    r.shut[key .. ' ' .. group] = nil
    sets_of[set] = true
    add(keys_of, listed_of, 'm:' .. group, key)
    add(groups_of, listed_of, 'q:' .. key, group)
  end
  for set in pairs(sets_of) do redis.call('HDEL', state, 's:' .. set) end
  for field, groups in pairs(groups_of) do put_names(r, field, table.concat(groups, ' ')) end
  for field, keys in pairs(keys_of) do put_names(r, field, table.concat(keys, ' ')) end
  for n = 6, #sets do redis.call('PEXPIRE', sets[n], keep_ms(r.pool)) end
  return sets_of
end

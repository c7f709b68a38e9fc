-- The index of a large pool: one sorted set per priority and model class, called a ready set. Its members are
-- the candidates, `key group`. A candidate that may be able to carry a request is ready: its score is its turn,
-- and the smallest turn comes first. A candidate that proved unable is parked: its score is twice the time at
-- which it will be able, which sorts it behind all ready ones, in order of time. An odd score means that the
-- time depends on the size of the request; an even one applies to any request. Returned capacity makes
-- candidates ready again.
--
-- A candidate that is free, but not for lower priorities, is between the two, in a band: for these it is full with what they
-- must leave, or with what is promised before them. Priority 3 has the first band, 2 the next; a score there is the time at
-- which the candidate is free for that priority, too. What is in front of a priority's own band may be free for it.
--
-- The keys of a group share its limits. So a group of many keys, a large group, is one member of the ready set,
-- `{} group`: it is parked when the group is unable, and ready again as a whole. Its keys are in a sorted set
-- beside it, the key set, as `key group`. There a key is parked only by what is its own: a quarantine, a
-- cooldown, its number of leases. While the group is ready, its score is that of its first key.
--
-- Most calls leave the index unchanged, so some facts are cached with the records. `ready`: all candidates of
-- this key or group are ready; the value is the first ready set checked, which identifies the configuration.
-- `wakes`: when the first parked candidate of a set is due. `sizes`: the size of the request that parked a
-- candidate there. `large`: the large groups of a ready set. A record read anew has none of these.
-- @uses state/pool, state/pool_key, state/records
local ready_sets = {}
local PARKED = 1e15 -- scores from here on are twice a time in microseconds; turns stay far below
local BAND = 1e13 -- and from here on the bands: a multiple of this, and milliseconds
local NEVER = 8e15 -- a quarantined candidate is parked until something reopens it
local FEW = 4 -- a group with more keys has its rows cached where it is not large
local ANY = { 0, 0, 0, 0, 0, 0, 0, id = '{}' } -- stands for all keys of a large group; no key has this name
ready_sets.ANY = ANY

-- The ready sets of the call: `sets` from index `from` on.
function ready_sets.hold(r, sets, from) r.sets, r.first_set = sets, from end

function ready_sets.row_of(k, g) return k.id .. ' ' .. g.id end

-- The group of the row of a large group; nil for a key's row.
function ready_sets.whole_of(row) return string.byte(row) == 123 and string.sub(row, 4) or nil end

-- The large groups of a ready set: by name their key sets, and with their number of keys in a list.
function ready_sets.large_in(r, set)
  local large = r.large[set]
  if large then return large end
  large = {}
  for n, group in ipairs(records.names_in(r, 'b:' .. set)) do large[n], large[group] = group, set .. ':' .. group end
  r.large[set] = large
  return large
end

-- The rows of a group in a ready set, or more.
function ready_sets.rows_in(r, set, group)
  if ready_sets.large_in(r, set)[group] then return { '{} ' .. group } end
  local cached = r.rows[set .. ' ' .. group]
  if cached then return cached end
  local rows, members = {}, records.names_in(r, 'm:' .. group)
  for n, key in ipairs(members) do rows[n] = key .. ' ' .. group end
  if #rows <= FEW then return rows end
  local some = {}
  for from = 1, #rows, 1000 do -- bound on the arguments of one command
    for n, score in ipairs(redis.call('ZMSCORE', set, unpack(rows, from, math.min(from + 999, #rows)))) do
      if score then some[#some + 1] = rows[from + n - 1] end
    end
  end
  r.rows[set .. ' ' .. group] = some
  records.count_kept(1 + #some)
  return some
end

-- Parks a candidate that cannot carry a request of this size.
function ready_sets.park_at(r, set, score, k, g, size)
  local row = ready_sets.row_of(k, g)
  redis.call('ZADD', set, score, row)
  local sizes = r.sizes[set]
  if not sizes then
    sizes = {}
    r.sizes[set] = sizes
  end
  sizes[row] = size
  k.ready, g.ready = nil, nil
  local run = score >= PARKED and set or ready_sets.run_of(set, score)
  local first = r.wakes[run]
  if first and score < first then r.wakes[run] = score end
end

-- The name of the first candidate's time in the band of a score.
function ready_sets.run_of(set, score) return math.floor(score / BAND) .. set end

-- Gives a large group the score of its first key. Returns that score; nil if the key set is lost.
function ready_sets.score_group(r, set, g)
  local score = tonumber(redis.call('ZRANGE', set .. ':' .. g.id, 0, 0, 'WITHSCORES')[2])
  if not score then return end
  if score >= PARKED then
    ready_sets.park_at(r, set, score, ANY, g)
  else
    score = math.max(score, r.pool[TURN]) -- a group that was unable for a while does not catch up
    redis.call('ZADD', set, score, ready_sets.row_of(ANY, g))
  end
  return score
end

-- Ends the turn of a candidate that was picked.
function ready_sets.end_turn(r, set, k, g)
  local keys = ready_sets.large_in(r, set)[g.id]
  redis.call('ZADD', keys or set, k[K_PASS], ready_sets.row_of(k, g))
  if keys then ready_sets.score_group(r, set, g) end
end

-- Makes a candidate ready if it is parked or in a band.
local function make_ready(r, set, row)
  r.shut[row] = nil
  local score = tonumber(redis.call('ZSCORE', set, row) or 0)
  if score >= BAND then redis.call('ZADD', set, r.pool[TURN], row) end
end

-- Makes a key's candidates ready in all ready sets of the call.
function ready_sets.make_key_ready(r, key, group)
  local row, sets = key .. ' ' .. group, r.sets
  for n = r.first_set, #sets do
    local keys = ready_sets.large_in(r, sets[n])[group]
    make_ready(r, keys or sets[n], row)
    if keys then make_ready(r, sets[n], '{} ' .. group) end
  end
end

-- Makes all candidates ready of a group alone, `m:<group>`, and of a key, `q:<key>`, if given.
function ready_sets.reopen_group(r, group, key)
  local sets, from = r.sets, r.first_set
  local first = sets[from]
  local g, k = r.groups[group], r.keys[key or '']
  if g and g.ready == first and (not key or k and k.ready == first) then return end
  for n = from, #sets do
    for _, row in ipairs(ready_sets.rows_in(r, sets[n], group)) do make_ready(r, sets[n], row) end
    local keys = key and ready_sets.large_in(r, sets[n])[group]
    if keys then make_ready(r, keys, key .. ' ' .. group) end
  end
  for _, other in ipairs(key and records.names_in(r, 'q:' .. key) or {}) do
    if other ~= group then ready_sets.make_key_ready(r, key, other) end
  end
  if g then g.ready = first end
  if k then k.ready = first end
end

-- The groups below a group, nil if none are: from field `below` of the state, which names all that are below another.
local function below(r, group)
  if not r.below then
    r.below = {}
    for _, name in ipairs(records.names_in(r, 'below')) do
      local g = records.group(r, name)
      local all = g and r.below[g.above] or {}
      if g then r.below[g.above], all[#all + 1] = all, name end
    end
  end
  return r.below[group]
end

-- The same, and of all groups that share a limit with it.
function ready_sets.reopen(r, group, key)
  if not r.sets or not r.sets[r.first_set] then return end
  ready_sets.reopen_group(r, group, key)
  local g = records.group(r, group)
  local top = g and g.above or group
  if top ~= group then ready_sets.reopen_group(r, top) end
  local below = below(r, top)
  for n = 1, below and #below or 0 do
    local other = below[n]
    if other ~= group then ready_sets.reopen_group(r, other) end
  end
end

-- Makes all candidates of a ready set ready.
function ready_sets.reopen_all(r, set)
  local function ready_in(one)
    for _, row in ipairs(redis.call('ZRANGEBYSCORE', one, BAND, '+inf')) do
      r.shut[row] = nil
      redis.call('ZADD', one, r.pool[TURN], row)
    end
  end
  ready_in(set)
  for _, group in ipairs(ready_sets.large_in(r, set)) do ready_in(set .. ':' .. group) end
end

function ready_sets.delete_set(r, set)
  for _, group in ipairs(ready_sets.large_in(r, set)) do redis.call('DEL', set .. ':' .. group) end
  redis.call('HDEL', r.state, 's:' .. set, 'b:' .. set)
  redis.call('DEL', set)
  r.large[set], r.lists['b:' .. set] = nil, nil
end

-- Extends the TTL of a ready set and its key sets.
function ready_sets.keep_set(r, set)
  redis.call('PEXPIRE', set, pool.keep_ms(r.pool))
  for _, group in ipairs(ready_sets.large_in(r, set)) do redis.call('PEXPIRE', set .. ':' .. group, pool.keep_ms(r.pool)) end
end

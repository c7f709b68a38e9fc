-- The records of a pool, its own and those of its keys and quota groups, as tables. Redis holds them packed,
-- and what a call changed is written before it ends. To read and to unpack them would be a third of a call's
-- cost, and more with more keys: so what was read is kept here for the next call.
--
-- What is kept is used only if the pool's record in Redis is, to the byte, the one that this process wrote
-- last, and every write gives that record a stamp of its own. So whatever befell the data (a flush, a failover
-- and back, a copy that was restored, another version of this library), a call finds another record and reads
-- anew. While a call is under way nothing is kept: one that fails half-way leaves nothing behind. Redis need
-- not keep this library's variables: a call that finds none reads. All this asks of the scripts is that every
-- field of the state that is kept here is written together with `pool`.
-- @uses pool, key, group
local MOST_KEPT = 100000 -- of records and names in lists, in all pools: some 25 MB
local kept, kept_count = {}, 0 -- by the name of the state; how much was added since it was empty

local function hold(r, field, id, record, pack)
  record.field, record.id, record.pack = field, id, pack
  kept_count = kept_count + 1
  return record
end

-- The records of a pool that this process did not write last. Its stamps go on from the present microsecond,
-- and no process writes once a microsecond: so no two ever give the same one.
local function records(state, win, p)
  local t = redis.call('TIME')
  p[STAMP] = math.max(p[STAMP] + 1, t[1] * 1e6 + t[2])
  return { state = state, win = win, pool = p, keys = {}, groups = {}, lists = {}, changed = {} }
end

-- The records of the pool whose state and windows have these names; nil if it is unknown.
local function open(state, win)
  local packed = redis.call('HGET', state, 'pool')
  if kept_count > MOST_KEPT then kept, kept_count = {}, 0 end
  local r = kept[state]
  kept[state] = nil
  if not packed then return end
  if not r or r.packed ~= packed then r = records(state, win, read_pool(packed)) end
  r.win = win
  return r
end

-- A key's record, nil if it is unknown.
local function key_of(r, id)
  local k = r.keys[id]
  if k then return k end
  local field = 'k:' .. id
  local packed = redis.call('HGET', r.state, field)
  if not packed then return end
  k = hold(r, field, id, read_key(packed), pack_key)
  r.keys[id] = k
  return k
end

-- Likewise a group's.
local function group_of(r, id)
  local g = r.groups[id]
  if g then return g end
  local field = 'g:' .. id
  local packed = redis.call('HGET', r.state, field)
  if not packed then return end
  g = hold(r, field, id, read_group(packed), pack_group)
  r.groups[id] = g
  return g
end

-- Likewise that of a field.
local function record_of(r, field)
  return (string.sub(field, 1, 2) == 'g:' and group_of or key_of)(r, string.sub(field, 3))
end

-- Reads the records of these fields, of which none is kept, with one call.
local function fetch(r, fields)
  if #fields == 0 then return end
  local v = redis.call('HMGET', r.state, unpack(fields))
  for n, field in ipairs(fields) do
    local id = string.sub(field, 3)
    if v[n] and string.sub(field, 1, 2) == 'g:' then
      r.groups[id] = hold(r, field, id, read_group(v[n]), pack_group)
    elseif v[n] then
      r.keys[id] = hold(r, field, id, read_key(v[n]), pack_key)
    end
  end
end

-- Of one that is new.
local function new_key(r, id)
  local k = hold(r, 'k:' .. id, id, { 0, 0, 0, 0, 0, 0, 0 }, pack_key)
  r.keys[id] = k
  return k
end

local function new_group(r, id)
  local g = {}
  for n = 1, 33 do g[n] = 0 end
  r.groups[id] = hold(r, 'g:' .. id, id, g, pack_group)
  return g
end

-- The records that a line `key group key group ...` names, in its order; nil if one is unknown.
local function named(r, line)
  local list = r.lists[line]
  if list then return list end
  list = {}
  for key, group in string.gmatch(line, '(%S+) (%S+)') do
    local k, g = key_of(r, key), group_of(r, group)
    if not (k and g) then return end
    list[#list + 1], list[#list + 2] = k, g
  end
  r.lists[line] = list
  kept_count = kept_count + #list
  return list
end

-- The names that a field of the state lists.
local function names_in(r, field)
  local list = r.lists[field]
  if list then return list end
  list = {}
  for name in string.gmatch(redis.call('HGET', r.state, field) or '', '%S+') do list[#list + 1] = name end
  r.lists[field] = list
  kept_count = kept_count + 1 + #list
  return list
end

local function put_names(r, field, names)
  r.lists[field] = nil
  redis.call('HSET', r.state, field, names)
end

-- Has a record written when the call ends.
local function change(r, record)
  if not record.changed then
    record.changed = true
    r.changed[#r.changed + 1] = record
  end
end

-- Writes what has changed, and the pool's own record, for its clock has moved.
local function write(r)
  local changed = r.changed
  r.pool[STAMP] = r.pool[STAMP] + 1
  r.packed = pack_pool(r.pool)
  if #changed == 2 then -- as after most calls: one lease's key and group
    local a, b = changed[1], changed[2]
    a.changed, b.changed = false, false
    redis.call('HSET', r.state, 'pool', r.packed, a.field, a.pack(a), b.field, b.pack(b))
    changed[1], changed[2] = nil, nil
  else
    local values = { 'pool', r.packed }
    for n, record in ipairs(changed) do
      record.changed = false
      values[#values + 1] = record.field
      values[#values + 1] = record.pack(record)
      if n % 100 == 0 then -- a call takes no more
        redis.call('HSET', r.state, unpack(values))
        values = { 'pool', r.packed }
      end
    end
    redis.call('HSET', r.state, unpack(values))
    r.changed = {}
  end
  kept[r.state] = r
end

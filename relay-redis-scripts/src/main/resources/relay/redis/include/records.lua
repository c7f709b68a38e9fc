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

-- The two kinds of records: where they are kept, how their fields begin, how they are packed.
local KEY = { of = 'keys', prefix = 'k:', read = read_key, pack = pack_key }
local GROUP = { of = 'groups', prefix = 'g:', read = read_group, pack = pack_group }

local function kind_of(field) return string.sub(field, 1, 2) == 'g:' and GROUP or KEY end

local function hold(r, kind, id, record)
  record.field, record.id, record.pack = kind.prefix .. id, id, kind.pack
  r[kind.of][id] = record
  kept_count = kept_count + 1
  return record
end

-- One that is not kept, nil if it is unknown.
local function fetch(r, kind, id)
  local packed = redis.call('HGET', r.state, kind.prefix .. id)
  if packed then return hold(r, kind, id, kind.read(packed)) end
end

-- The records of a pool that this process did not write last. Its stamps go on from the present microsecond,
-- and no process writes once a microsecond: so no two ever give the same one.
local function records(state, win, p)
  local t = redis.call('TIME')
  p[STAMP] = math.max(p[STAMP] + 1, t[1] * 1e6 + t[2])
  return {
    state = state, win = win, pool = p, keys = {}, groups = {}, lists = {}, wakes = {}, sizes = {}, shut = {},
    -- what a call is going to write; they stay, for a table that grows is dear
    changed = {}, changes = 0, values = {}, told = {}, queued = {},
  }
end

-- The records of the pool whose state and windows have these names, and its leases, if they matter; nil if
-- it is unknown.
local function open(state, win, leases, due, later)
  local packed = redis.call('HGET', state, 'pool')
  if kept_count > MOST_KEPT then kept, kept_count = {}, 0 end
  local r = kept[state]
  kept[state] = nil
  if not packed then return end
  if not r or r.packed ~= packed then r = records(state, win, read_pool(packed)) end
  r.win, r.leases, r.due, r.later = win, leases, due, later
  return r
end

-- A key's record, a group's, that of a field; nil if it is unknown.
local function key_of(r, id) return r.keys[id] or fetch(r, KEY, id) end
local function group_of(r, id) return r.groups[id] or fetch(r, GROUP, id) end

local function record_of(r, field)
  return (kind_of(field) == GROUP and group_of or key_of)(r, string.sub(field, 3))
end

-- Reads the records of these fields, of which none is kept, with one call.
local function fetch_all(r, fields)
  if #fields == 0 then return end
  local v = redis.call('HMGET', r.state, unpack(fields))
  for n, field in ipairs(fields) do
    local kind = kind_of(field)
    if v[n] then hold(r, kind, string.sub(field, 3), kind.read(v[n])) end
  end
end

-- Of one that is new.
local function new_key(r, id) return hold(r, KEY, id, { 0, 0, 0, 0, 0, 0, 0 }) end

local function new_group(r, id)
  local g = {}
  for n = 1, 33 do g[n] = 0 end
  return hold(r, GROUP, id, g)
end

-- The records that a line `key group key group ...` names, in its order; nil if one is unknown. `{}` after a key says
-- that it is in shadow mode: `shadow` has the places of those.
local function named(r, line)
  local list = r.lists[line]
  if list then return list end
  list = {}
  for key, group in string.gmatch(line, '(%S+) (%S+)') do
    local name = string.match(key, '^(.*){}$')
    local k, g = key_of(r, name or key), group_of(r, group)
    if not (k and g) then return end
    list[#list + 1], list[#list + 2] = k, g
    if name then
      list.shadow = list.shadow or {}
      list.shadow[#list.shadow + 1] = #list - 1
    end
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
    local n = r.changes + 1
    record.changed, r.changed[n], r.changes = true, record, n
  end
end

-- Has a record not written, for it goes; what is kept of the pool may name it, and is read anew by the next call.
local function drop(r, record)
  for n = 1, record.changed and r.changes or 0 do
    if r.changed[n] == record then
      table.remove(r.changed, n)
      r.changes = r.changes - 1
      break
    end
  end
  r.stale = true
end

-- Writes what has changed, and the pool's own record, for its clock has moved.
local function write(r)
  local changed, values, last = r.changed, r.values, 2
  r.pool[STAMP] = r.pool[STAMP] + 1
  r.packed = pack_pool(r.pool)
  values[1], values[2] = 'pool', r.packed
  for n = 1, r.changes do
    local record = changed[n]
    record.changed = false
    values[last + 1], values[last + 2], last = record.field, record.pack(record), last + 2
    if n % 100 == 0 then -- a call takes no more
      redis.call('HSET', r.state, unpack(values, 1, last))
      last = 2
    end
  end
  redis.call('HSET', r.state, unpack(values, 1, last))
  r.changes = 0
  kept[r.state] = not r.stale and r or nil
end

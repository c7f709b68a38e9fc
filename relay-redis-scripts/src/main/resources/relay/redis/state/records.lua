-- The records of a pool, its keys and its quota groups, as tables. Redis holds them packed, and a call writes
-- its changes before it ends. Reading and unpacking would take a third of a call's time, more with more keys,
-- so the tables are cached here for the next call.
--
-- The cache is valid only while the pool's record in Redis equals, byte for byte, the one that this process
-- wrote last. Every write gives that record a new stamp. So after a flush, a failover and back, a restored copy
-- or another version of this library, a call finds a different record and reads again. During a call the cache
-- entry is removed, so a failed call leaves nothing behind. Redis may drop this library's variables: then a
-- call reads again. All this requires one thing of the scripts: they write cached fields of the state only
-- together with `pool`.
--
-- The cache also remembers in which order records changed, so that a survey reads and draws only those. `log` is a
-- ring of changed records; `moved` is a record's latest place in it.
-- @uses wire/numbers, state/pool, state/pool_key, state/quota_group
local records = {}
local MOST_KEPT = 100000 -- records and listed names, over all pools: some 25 MB
local LOG = 32768 -- a caller that has missed more reads everything
local kept, kept_count = {}, 0 -- by the key of a state or of budgets; entries added since the last reset

-- The two kinds of records: their table, field prefix, and packing.
local KEY = { of = 'keys', prefix = 'k:', read = pool_key.read, pack = pool_key.pack }
local GROUP = { of = 'groups', prefix = 'g:', read = quota_group.read, pack = quota_group.pack }

local function kind_of(field) return string.sub(field, 1, 2) == 'g:' and GROUP or KEY end

local function hold(r, kind, id, record)
  record.field, record.id, record.pack, record.moved = kind.prefix .. id, id, kind.pack, 0
  if kind == GROUP then
    local organisation, class = string.match(id, '^(.*)/[^/]+(/[^/]*)$')
    record.above = organisation and organisation .. class
  end
  r[kind.of][id] = record
  kept_count = kept_count + 1
  return record
end

-- Reads a record that is not cached; nil if it is unknown.
local function fetch(r, kind, id)
  local packed = redis.call('HGET', r.state, kind.prefix .. id)
  if packed then return hold(r, kind, id, kind.read(packed, r.state)) end
end

-- Creates the tables of a pool that this process did not write last. Stamps start at the present microsecond,
-- and no process writes once per microsecond, so no two processes produce the same stamp.
function records.records(state, win, p)
  p[STAMP] = math.max(p[STAMP] + 1, numbers.server_time())
  return {
    state = state, win = win, pool = p, keys = {}, groups = {}, lists = {}, wakes = {}, sizes = {}, shut = {}, rows = {}, large = {}, waiting = {}, texts = {}, done = {},
    -- pending writes of a call; reused, because growing a table is expensive
    changed = {}, changes = 0, values = {}, written = {}, queued = {},
    -- what is new since when: see fleet/change_log
    log = {}, moves = 0, marked = 0, walked = 0, born = p[STAMP], leaves = {}, listed = 0, crowded = 0,
  }
end

-- Takes what is cached under a key out of the cache, so that a call that fails leaves nothing behind.
function records.uncache(key)
  local cached = kept[key]
  kept[key] = nil
  return cached
end

-- What other tables than those of this file take of the cache.
function records.count_kept(more) kept_count = kept_count + more end

function records.cache(key, entry) kept[key] = entry end

-- Opens the pool with these keys for its state, windows and, if needed, leases; nil if it is unknown.
function records.open(state, win, leases, due, later)
  if kept_count > MOST_KEPT then kept, kept_count = {}, 0 end
  local packed, r = redis.call('HGET', state, 'pool'), records.uncache(state)
  if not packed then return end
  if not r or r.packed ~= packed then r = records.records(state, win, pool.read(packed, state)) end
  r.win, r.leases, r.due, r.later, r.sets, r.pool[ASKED] = win, leases, due, later, false, 1
  return r
end

-- The record of a key, of a group, and of a field; nil if it is unknown.
function records.key(r, id) return r.keys[id] or fetch(r, KEY, id) end
function records.group(r, id) return r.groups[id] or fetch(r, GROUP, id) end


-- The group whose limits bind beside a group's own; nil for most. An account `organisation/name` is a part of another, such
-- as a workspace: what it uses counts in both, `organisation/name/class` and `organisation/class`.
function records.above(r, g)
  if g.above and not g.over then g.over = records.group(r, g.above) end
  return g.over
end

function records.record_of(r, field)
  return (kind_of(field) == GROUP and records.group or records.key)(r, string.sub(field, 3))
end

-- Reads the uncached records of these fields.
function records.fetch_all(r, fields)
  for n, packed in ipairs(pool.values_of(r.state, fields)) do
    local kind = kind_of(fields[n])
    if packed then hold(r, kind, string.sub(fields[n], 3), kind.read(packed, r.state)) end
  end
end

-- Creates a record.
function records.new_key(r, id) return hold(r, KEY, id, { 0, 0, 0, 0, 0, 0, 0 }) end

function records.new_group(r, id)
  local g = {}
  for n = 1, 33 do g[n] = 0 end
  g.few = ''
  return hold(r, GROUP, id, g)
end

-- The records named by a line `key group key group ...`, in order; nil if one is unknown. `{}` after a key says
-- that it is in shadow mode: `shadow` has the places of those. `+kind` may follow: see limits/kinds.
function records.named(r, line)
  local list = r.lists[line]
  if list then return list end
  list = { kind = string.match(line, ' (%+%S+)$') }
  for key, group in string.gmatch(line, '(%S+) (%S+)') do
    local name = string.match(key, '^(.*){}$')
    local k, g = records.key(r, name or key), records.group(r, group)
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

-- The names listed in a field of the state.
function records.names_in(r, field)
  local list = r.lists[field]
  if list then return list end
  list = {}
  for name in string.gmatch(redis.call('HGET', r.state, field) or '', '%S+') do list[#list + 1] = name end
  r.lists[field] = list
  kept_count = kept_count + 1 + #list
  return list
end

function records.put_names(r, field, names)
  r.lists[field] = nil
  redis.call('HSET', r.state, field, names)
end

-- A field of the state that holds a text, such as `configs`; false if there is none.
function records.text(r, field)
  local text = r.texts[field]
  if text == nil then
    text = redis.call('HGET', r.state, field)
    r.texts[field] = text
  end
  return text
end

-- Writes it at once; false deletes it.
function records.put_text(r, field, text)
  if r.texts[field] == text then return end
  r.texts[field] = text
  if text then redis.call('HSET', r.state, field, text) else redis.call('HDEL', r.state, field) end
end

-- Whether something that a call does now and then is due: `what` was last done so long ago, or by another process.
function records.is_due(r, what, now, every_us)
  if r.done[what] and now < r.done[what] + every_us then return false end
  r.done[what] = now
  return true
end

-- Marks a record for writing at the end of the call.
function records.rewrite(r, record)
  if not record.changed then
    local n = r.changes + 1
    record.changed, r.changed[n], r.changes = true, record, n
  end
end

-- The same for a change that its readers want to see.
function records.change(r, record)
  record.news = true
  if not record.changed then records.rewrite(r, record) end
end

-- Cancels the pending write of a record that is being deleted, and marks the pool's cache stale, since it may refer to it.
function records.drop(r, record)
  for n = 1, record.changed and r.changes or 0 do
    if r.changed[n] == record then
      table.remove(r.changed, n)
      r.changes = r.changes - 1
      break
    end
  end
  r.stale = true
end

-- Writes the changed records, and the pool's own, because its clock has advanced.
function records.write(r)
  local changed, values, last = r.changed, r.values, 2
  r.pool[STAMP] = r.pool[STAMP] + 1
  r.packed = pool.pack(r.pool)
  values[1], values[2] = 'pool', r.packed
  for n = 1, r.changes do
    local record = changed[n]
    record.changed = false
    if record.news then
      record.news = false
      if record.moved <= r.marked then -- else an unread entry of the log names it already
        local m = r.moves + 1
        r.moves, record.moved, r.log[m % LOG + 1] = m, m, record
      end
    end
    values[last + 1], values[last + 2], last = record.field, record.pack(record), last + 2
    if n % 100 == 0 then -- bound on the arguments of one command
      redis.call('HSET', r.state, unpack(values, 1, last))
      last = 2
    end
  end
  redis.call('HSET', r.state, unpack(values, 1, last))
  r.changes = 0
  kept[r.state] = not r.stale and r or nil
end

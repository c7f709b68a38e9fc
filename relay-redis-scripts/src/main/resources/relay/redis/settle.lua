-- Ends leases: each one's concurrency comes back and its charge becomes what it really cost. More than
-- was reserved goes to the present slot, less goes back to where it was charged. A lease that expired
-- before has given its concurrency back already. A request that was never sent costs nothing: that is
-- a cancel; one that comes before its acquire leaves a tombstone, so that the acquire grants nothing.
--
-- KEYS  state      the pool's state
--       win        the closed slots of the groups' windows
--       leases     leases by id
--       due        when leases are looked at again: those in order
--       later      and all others
--       ...        all ready sets of an indexed pool
-- ARGV  call       `ceiling given`: the latest believable time on the pool's clock in microseconds, 0 if
--                  unknown; a test's clock, - for Redis TIME
--       ...        each lease: `id requests input output`: what it really cost; requests is 1, or 0 for a
--                  cancel
-- REPLY {1, time, ...} and of each lease three values:
--         1, over_input, over_output           settled; tokens beyond the reservation
--         0, 0, 0                              it has ended already: nothing changed
--         -3, 0, 0                             no such lease
-- COST  two reads and two writes, whatever the number of leases; one of each more when a charge's slot
--       has closed
-- @include numbers
-- @include pool
-- @include key
-- @include group
-- @include gate
-- @include choice
-- @include index
-- @include refund
-- @include lease
-- @include ending
local state, win, leases, due, later = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local given, ceiling = call_time(ARGV[1])
local ids, costs = {}, {}
for n = 2, #ARGV do ids[n - 1], costs[n - 1] = end_line(ARGV[n]) end

local held = redis.call('HMGET', leases, unpack(ids))
local fields = { 'pool' }
for n, record in ipairs(held) do
  if record and not is_tomb(record) then
    local key, group = struct.unpack('<ss', record)
    fields[#fields + 1], fields[#fields + 2] = 'k:' .. key, 'g:' .. group
  end
end
local v = redis.call('HMGET', state, unpack(fields))
local p = v[1] and read_pool(v[1])
local now = p and pool_time(p, given, ceiling) or 0

local reply = { 1, now }
local records, tombs, at, any = {}, {}, 0, false
for n, id in ipairs(ids) do
  local record, code, over_in, over_out = held[n], 0, 0, 0
  if not record then
    code = -3
    if p and costs[n].requests == 0 and bury(state, leases, due, later, p, id, now) then any = true end
  elseif not is_tomb(record) then
    at = at + 2
    local key_field, group_field = fields[at], fields[at + 1]
    if not (p and v[at] and v[at + 1]) then
      code = -3
    elseif not tombs[id] then
      local k = records[key_field] or read_key(v[at])
      local g = records[group_field] or read_group(v[at + 1])
      records[key_field], records[group_field] = k, g
      local tomb
      tomb, over_in, over_out = finish(win, p, k, g, string.sub(group_field, 3), record, costs[n], now)
      tombs[id], code, any = tomb, 1, true
    end
  end
  reply[#reply + 1], reply[#reply + 2], reply[#reply + 3] = code, over_in, over_out
end

if any then
  local written = {}
  for field, record in pairs(records) do
    local of_key = string.byte(field) == 107 -- k
    written[#written + 1] = field
    written[#written + 1] = of_key and pack_key(record) or pack_group(record)
    if #KEYS > 5 then reopen(state, p, of_key and '' or string.sub(field, 3), of_key and string.sub(field, 3), 6, KEYS) end
  end
  redis.call('HSET', state, 'pool', pack_pool(p), unpack(written))
  written = {}
  for id, tomb in pairs(tombs) do
    written[#written + 1] = id
    written[#written + 1] = tomb
  end
  if #written > 0 then redis.call('HSET', leases, unpack(written)) end
end
return reply

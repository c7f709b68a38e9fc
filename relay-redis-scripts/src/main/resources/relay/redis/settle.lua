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
--                  unknown; a test's clock, - for Redis TIME; then of each lease ` requests input output`:
--                  what it really cost; requests is 1, or 0 for a cancel
--       ...        the leases' ids
-- REPLY {1, time, ...} and of each lease three values:
--         1, over_input, over_output           settled; tokens beyond the reservation
--         0, 0, 0                              it has ended already: nothing changed
--         -3, 0, 0                             no such lease
-- COST  two reads and two writes, whatever the number of leases; one of each more when a charge's slot
--       has closed; a read of each key and group if another wrote last
-- @include numbers
-- @include pool
-- @include key
-- @include group
-- @include records
-- @include gate
-- @include choice
-- @include index
-- @include refund
-- @include lease
-- @include ending
local state, win, leases, due, later = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local call = ARGV[1]
local given, ceiling, at = call_time(call)
local costs = { 0, 0, 0 }
for n = 2, #ARGV do costs[3 * n - 5], costs[3 * n - 4], costs[3 * n - 3], at = cost_at(call, at) end
read_to(call, at)

local held = redis.call('HMGET', leases, unpack(ARGV, 2))
local r = open(state, win)
local now = r and pool_time(r.pool, given, ceiling) or 0
local reply = { 1, now, 0, 0, 0 }
local tombs, any = {}, false -- ids and their tombstones in turn; also by id whether there is one
for n = 2, #ARGV do
  local id, record, code, over_in, over_out = ARGV[n], held[n - 1], 0, 0, 0
  if not record then
    code = -3
    if r and costs[3 * n - 5] == 0 and bury(r, leases, due, later, id, now) then any = true end
  elseif not is_tomb(record) and not tombs[id] then
    local tomb, k, g
    if r then
      tomb, over_in, over_out, k, g =
        finish(r, record, costs[3 * n - 5], costs[3 * n - 4], costs[3 * n - 3], now)
    end
    if tomb then
      reopen(r, g.id, k.id, 6, KEYS)
      code, any = 1, true
      local last = #tombs
      tombs[last + 1], tombs[last + 2], tombs[id] = id, tomb, true
    else
      code, over_in, over_out = -3, 0, 0
    end
  end
  reply[3 * n - 3], reply[3 * n - 2], reply[3 * n - 1] = code, over_in, over_out
end

if any then
  write(r)
  if #tombs > 0 then redis.call('HSET', leases, unpack(tombs)) end
end
return reply

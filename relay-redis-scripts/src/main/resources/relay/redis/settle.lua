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
-- REPLY {1, time, ...} and of each lease one value:
--         0 or more                            settled; tokens beyond the reservation
--         -3                                   no such lease
--         -4                                   it has ended already: nothing changed
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
local call = ARGV[1]
local given, ceiling, at = call_time(call)
local costs
costs, at = costs_at(call, at, #ARGV - 1)
read_to(call, at)

local r = open(KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5])
local now = r and pool_time(r.pool, given, ceiling) or 0
local reply = { 1, now, -3 }
if r then
  hold_leases(r, ARGV, 2, #ARGV)
  if end_leases(r, ARGV, 2, #ARGV, costs, now, 6, KEYS, reply) then
    write_leases(r, now)
    write(r)
  end
else
  for n = 2, #ARGV do reply[n + 1] = -3 end
end
return reply

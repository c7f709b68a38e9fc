-- Ends leases: releases their concurrency and corrects each charge to the actual cost. Usage beyond the
-- reservation is charged to the present slot; unused reservation is refunded to the slot of the charge. An
-- expired lease has released its concurrency before; one that lasts is settled within an hour after that. A cancel is a settle with no cost. If it arrives before
-- its acquire, it leaves a tombstone, and the acquire then grants nothing.
--
-- KEYS  state      the pool's state
--       win        the closed slots of the groups' windows
--       leases     leases by id
--       due        leases by the time of their next check: a list, in order of time
--       later      the same for all other leases: a sorted set
--       ...        all ready sets of an indexed pool
-- ARGV  call       `ceiling given`: the latest plausible time on the pool's clock in microseconds, 0 if
--                  unknown; a test's clock, - for Redis TIME; then for each lease ` requests input output`:
--                  its actual cost; requests is 0 for a cancel. An x before them ends a lease that lasts for good,
--                  as a cancel does; with requests but no tokens it was refused: if output was reported, all stays charged
--       ...        the leases' ids
-- REPLY {1, time, ...} then for each lease one value:
--         0 or more                            settled; the tokens beyond the reservation
--         -3                                   no such lease, or one that lasted and ended for good
--         -4                                   it had ended already: nothing changed
-- COST  two reads and two writes for any number of leases; one more of each when a charge's slot
--       has closed; a read of each key and group if another process wrote last
-- @uses wire/numbers, state/pool, state/records, state/lease, state/ending, choose/ready_sets
local call = ARGV[1]
local given, ceiling, at = ending.call_time(call)
local costs
costs, at = ending.costs_at(call, at, #ARGV - 1)
numbers.read_to(call, at)

local r = records.open(KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5])
local now = r and pool.time(r.pool, given, ceiling) or 0
local reply = { 1, now, -3 }
if r then
  ready_sets.hold(r, KEYS, 6)
  lease.hold(r, ARGV, 2, #ARGV)
  if ending.end_all(r, ARGV, 2, costs, now, reply) then
    lease.write(r, now)
    records.write(r)
  end
else
  for n = 2, #ARGV do reply[n + 1] = -3 end
end
return reply

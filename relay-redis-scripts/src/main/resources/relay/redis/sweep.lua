-- Checks leases that are due, a bounded number: what heartbeats and acquires leave over. A replica calls it again after some
-- milliseconds while more are due, so what is left of a burst holds up no request for longer than one short call.
--
-- KEYS  state      the pool's state
--       win        the closed slots of the groups' windows
--       leases     leases by id
--       due        leases by the time of their next check: a list, in order of time
--       later      the same for all other leases: a sorted set
--       ...        all ready sets of an indexed pool
-- ARGV  ceiling    latest plausible time on the pool's clock in microseconds, 0 if unknown
--       given      a test's clock in microseconds, - for Redis TIME
-- REPLY {1, time, 1 if more are due, else 0}
--       {-3}                                   unknown pool
-- COST  four reads and five writes for any number of leases
-- @uses state/pool, state/records, state/lease, choose/ready_sets
local r = records.open(KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5])
local given, ceiling = pool.clock(ARGV[2], ARGV[1])
if not r then return { -3 } end
local now = pool.time(r.pool, given, ceiling)
ready_sets.hold(r, KEYS, 6)
local more = lease.sweep_most(r, now)
records.write(r)
return { 1, now, more and 1 or 0 }

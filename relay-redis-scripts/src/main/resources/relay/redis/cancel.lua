-- Ends a lease whose request was never sent: the whole charge goes back. A cancel that comes before
-- its acquire leaves a tombstone, so that the acquire grants nothing.
--
-- KEYS  state      the pool's state
--       win        the closed slots of the groups' windows
--       leases     live leases by deadline
--       lease      this lease's record
-- ARGV  id         the lease's id
--       ceiling    latest believable time on the pool's clock in microseconds, 0 if unknown
--       given      a test's clock in microseconds, '' for Redis TIME
-- REPLY {1, time, 0, 0}                        cancelled
--       {0}                                    it has ended already: nothing changed
--       {-3}                                   no such lease: a later acquire of it will grant nothing
-- COST  as settle
-- @include numbers
-- @include pool
-- @include key
-- @include group
-- @include refund
-- @include lease
-- @include finish
local reply = finish(KEYS[1], KEYS[2], KEYS[3], KEYS[4], ARGV[1], ARGV[2], ARGV[3], 0, 0, 0)
if reply[1] == -3 then redis.call('SET', KEYS[4], TOMB, 'PX', TOMB_MS) end
return reply

-- Moves the deadlines of leases whose requests still run. A lease that has expired stays expired.
--
-- KEYS  state      the pool's state
--       leases     live leases by deadline
--       ...        the leases' records
-- ARGV  ceiling    latest believable time on the pool's clock in microseconds, 0 if unknown
--       given      a test's clock in microseconds, '' for Redis TIME
--       lease_ms   time from now to the new deadline
--       ...        the leases' ids, in the order of their records
-- REPLY {1, time, alive...}                    1 or 0 for each lease
--       {-3}                                   unknown pool
-- COST  one read and up to two writes a lease
-- @include numbers
-- @include pool
-- @include key
-- @include group
-- @include lease
local state, leases = KEYS[1], KEYS[2]
local given, ceiling = clock(ARGV[2], ARGV[1])
local lease_us = number(ARGV[3], 'lease_ms') * 1000
local value = redis.call('HGET', state, 'pool')
if not value then return { -3 } end
local p = read_pool(value)
local now = pool_time(p, given, ceiling)
local deadline = now + lease_us
local ttl = (2 * lease_us + p[WINDOW]) / 1000
local reply = { 1, now }
for n = 3, #KEYS do
  local held = redis.call('GET', KEYS[n])
  local alive = 0
  if held and held ~= TOMB then
    local _, _, _, _, _, key, group = struct.unpack(LEASE, held)
    local name = live_name(ARGV[n + 1], key, group)
    if redis.call('ZSCORE', leases, name) then
      redis.call('ZADD', leases, 'XX', 'GT', deadline, name)
      redis.call('PEXPIRE', KEYS[n], ttl)
      alive = 1
    end
  end
  reply[n] = alive
end
redis.call('HSET', state, 'pool', pack_pool(p))
return reply

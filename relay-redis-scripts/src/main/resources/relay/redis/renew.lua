-- Extends the deadlines of leases whose requests still run. An expired lease stays expired.
--
-- KEYS  state      the pool's state
--       leases     leases by id
--       later      leases by the time of their next check, except new ones
-- ARGV  ceiling    latest plausible time on the pool's clock in microseconds, 0 if unknown
--       given      a test's clock in microseconds, - for Redis TIME
--       lease_ms   time from now to the new deadline
--       ...        the leases' ids
-- REPLY {1, time, alive...}                    for each lease 1 if it is live, else 0
--       {-3}                                   unknown pool
-- COST  two reads, one write, and two writes per lease
-- @include numbers
-- @include pool
-- @include key
-- @include group
-- @include records
-- @include gate
-- @include choice
-- @include index
-- @include lease
local state, leases, later = KEYS[1], KEYS[2], KEYS[3]
local given, ceiling = clock(ARGV[2], ARGV[1])
local lease_us = number(ARGV[3], 'lease_ms') * 1000
local r = open(state)
if not r then return { -3 } end
local p = r.pool
local now = pool_time(p, given, ceiling)
local wanted = deadline_of(now, lease_us)
local reply = { 1, now }
local held = #ARGV > 3 and redis.call('HMGET', leases, unpack(ARGV, 4)) or {}
for n, record in ipairs(held) do
  local alive = 0
  if record and not is_tomb(record) then
    local id = ARGV[3 + n]
    local key, group, since, requests, input, output, deadline, standing = struct.unpack(LEASE, record)
    if standing ~= EXPIRED_LEASE then
      alive = 1
      deadline = math.max(deadline, wanted)
      redis.call('HSET', leases, id, struct.pack(LEASE, key, group, since, requests, input, output, deadline, RENEWED))
      redis.call('ZADD', later, deadline, id)
    end
  end
  reply[2 + n] = alive
end
keep(p, state, leases, later)
write(r)
return reply

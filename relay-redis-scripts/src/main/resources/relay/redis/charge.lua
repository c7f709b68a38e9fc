-- Charges what was used without a lease in this Redis: requests that a replica let through on its own
-- while Redis was away, and requests whose lease was lost with the pool's state.
--
-- KEYS  state      the pool's state
--       win        the closed slots of the groups' windows
--       lease      the record of the lease that there would have been
-- ARGV  ceiling    latest believable time on the pool's clock in microseconds, 0 if unknown
--       given      a test's clock in microseconds, '' for Redis TIME
--       group      the quota group
--       requests   requests
--       input      input tokens
--       output     output tokens
-- REPLY {1, time}                              charged
--       {0}                                    this lease is known here or was charged before
--       {-3}                                   unknown pool or group
-- COST  two reads, two writes
-- @include numbers
-- @include pool
-- @include group
local state, win, lease = KEYS[1], KEYS[2], KEYS[3]
local given, ceiling = clock(ARGV[2], ARGV[1])
local field = 'g:' .. ARGV[3]
local requests, input, output = number(ARGV[4], 'requests'), number(ARGV[5], 'input'), number(ARGV[6], 'output')
local v = redis.call('HMGET', state, 'pool', field)
if not (v[1] and v[2]) then return { -3 } end
local p, g = read_pool(v[1]), read_group(v[2])
if not redis.call('SET', lease, 'ended', 'NX', 'PX', '30000') then return { 0 } end
local now = pool_time(p, given, ceiling)
roll(win, p, g, ARGV[3], math.floor(now / p[SLOT]))
flow(p, g, now)
charge(g, requests, input, output)
redis.call('HSET', state, 'pool', pack_pool(p), field, pack_group(g))
return { 1, now }

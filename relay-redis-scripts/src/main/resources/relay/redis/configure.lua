-- Announces a pool's shape: its window, strategy, keys and quota groups with their limits. Usage,
-- cooldowns and leases of what is known already stay. A replica calls it at start, when its
-- configuration changes, and when a script answers that it does not know the pool.
--
-- KEYS  state      the pool's state
--       win        the closed slots of the groups' windows
--       quarantine reasons by key
--       keys       the readable picture: drawn anew, without what left the pool
-- ARGV  ceiling    latest believable time on the pool's clock in microseconds, 0 if unknown
--       given      a test's clock in microseconds, '' for Redis TIME
--       known      the epoch under which the replica used this pool, 0 if it never did
--       fresh      a random number: the epoch to take if there is none
--       window_ms  the limits' window
--       strategy   1 least_loaded, 2 round_robin
--       burst      burst ratio, a decimal in (0, 1]
--       groups     number of groups
--       ...        of each group: id, requests, input, output, input + output (limits, 0 unknown)
--       ...        of each key: id, max_concurrent, priority, weight
-- REPLY {1, time, epoch}
-- COST  one read and one write a group and a key; when the window's length changes, twice that
--
-- A pool that nobody used starts full. One whose state was lost while replicas used it (they name an
-- epoch that Redis does not know) starts in full debt: its buckets refill at the limits' rate, but
-- what may have been spent a moment ago is not spent twice.
-- @include numbers
-- @include pool
-- @include key
-- @include group
-- @include reshape
local state, win, quarantine, picture = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local given, ceiling = clock(ARGV[2], ARGV[1])
local known, fresh = number(ARGV[3], 'known'), number(ARGV[4], 'fresh')
local window_us = number(ARGV[5], 'window_ms') * 1000
local strategy = number(ARGV[6], 'strategy')
local burst = string.find(ARGV[7], '^[01]%.?%d*$') and tonumber(ARGV[7])
if not burst or burst <= 0 or burst > 1 then error({ err = 'BADARG burst must lie in (0, 1]' }) end
if window_us == 0 then error({ err = 'BADARG window_ms must be positive' }) end
local groups = number(ARGV[8], 'groups')
local keys_from = 9 + 5 * groups
if keys_from > #ARGV + 1 or (#ARGV + 1 - keys_from) % 4 ~= 0 then
  error({ err = 'BADARG the groups and keys are not as many as announced' })
end
for n = 9, #ARGV do
  local column = n < keys_from and (n - 9) % 5 or (n - keys_from) % 4
  if column > 0 then number(ARGV[n], 'argument ' .. n) end
end
local slot_us = math.ceil(window_us / SLOTS)

local value = redis.call('HGET', state, 'pool')
local p = value and read_pool(value)
local lost = known > 0
if not p then
  p = { fresh, 0, 0, 0, 0, window_us, slot_us, strategy, 0, 0, 0, lost and 1 or 0, 0, 0 }
elseif lost and p[EPOCH] ~= known and p[LOST] == 0 then
  p[LOST] = 1 -- a newcomer made the pool anew before one who remembers came back
else
  lost = false
end
local now = pool_time(p, given, ceiling)
local slot = math.floor(now / slot_us)
if p[SLOT] ~= slot_us then reshape(state, win, p, now, slot) end

for n = 9, keys_from - 1, 5 do
  local field = 'g:' .. ARGV[n]
  local held = redis.call('HGET', state, field)
  local g
  if held then
    g = read_group(held)
    flow(p, g, now)
  else
    g = {}
    for f = 1, 31 do g[f] = 0 end
    g[AT], g[RECENT], g[LOW_SINCE], g[OLD_SINCE] = now, slot, now, now
  end
  g[BURST] = burst
  for d = 1, 4 do
    local limit = tonumber(ARGV[n + d])
    if limit ~= g[LIMIT + d] then g[CHANGED] = now end
    g[LIMIT + d] = limit
    if limit == 0 then g[LEVEL + d], g[LOW + d], g[OLD_LOW + d] = 0, 0, 0 end
    if lost then g[LEVEL + d] = math.max(g[LEVEL + d], burst * limit) end
    -- nothing of an earlier charge need be left in a debt that was set here
    if lost then g[LOW + d], g[OLD_LOW + d], g[CHANGED] = 0, 0, now end
  end
  redis.call('HSET', state, field, pack_group(g))
end
for n = keys_from, #ARGV, 4 do
  local field = 'k:' .. ARGV[n]
  local held = redis.call('HGET', state, field)
  local k = held and read_key(held) or { 0, 0, redis.call('HEXISTS', quarantine, ARGV[n]), 0, 0, 0, 0 }
  k[K_MAX], k[K_PRIORITY], k[K_WEIGHT] = tonumber(ARGV[n + 1]), tonumber(ARGV[n + 2]), tonumber(ARGV[n + 3])
  redis.call('HSET', state, field, pack_key(k))
end
p[WINDOW], p[SLOT], p[STRATEGY], p[PUBLISHED] = window_us, slot_us, strategy, 0
redis.call('DEL', picture)
redis.call('HSET', state, 'pool', pack_pool(p))
redis.call('PEXPIRE', state, keep_ms(p))
return { 1, now, p[EPOCH] }

-- Announces a pool's shape: its window, strategy, keys and quota groups with their limits. Existing usage,
-- cooldowns, leases and learned limits stay. A replica calls it at start, when its configuration changes, and
-- when a script replies that the pool is unknown. A large pool is announced in parts. An account may span
-- parts: its groups come with the first of its keys.
--
-- KEYS  state      the pool's state
--       win        the closed slots of the groups' windows
--       quarantine reasons by key
--       keys       the readable picture: rewritten, without what left the pool
--       learned    limits stated by the provider
--       ...        ready sets of an indexed pool: one per priority and model class
-- ARGV  ceiling    latest plausible time on the pool's clock in microseconds, 0 if unknown
--       given      a test's clock in microseconds, - for Redis TIME
--       known      the epoch under which the replica used this pool, 0 if it never did
--       fresh      a random number: the epoch of a new pool
--       window_ms  the limits' window
--       strategy   1 least_loaded, 2 round_robin, 3 random, 4 weighted
--       bucket     1 if the groups mirror a token bucket, 0 if they enforce a window
--       burst      burst ratio, a decimal in (0, 1]
--       later      0 for the first part; for later parts the first part's `found`
--       groups     number of groups
--       keys       number of keys
--       ...        for each group: id, requests, input, output, input + output (limits, 0 unknown)
--       ...        for each key: id, max_concurrent, priority, weight
--       ...        for each candidate of an indexed pool: number of its ready set, key, group
-- REPLY {1, time, epoch, found}                found: 2 if the state was lost, else 1
-- COST  two reads and two writes per group, one of each per key and candidate; more when the window's
--       length changes
--
-- A new pool starts with its full limits. If replicas name an epoch that Redis does not know, the pool's state
-- was lost while in use. Such a pool starts in full debt: its buckets refill at the limits' rate, so usage of a
-- moment ago is not granted twice.
-- @include numbers
-- @include pool
-- @include key
-- @include group
-- @include records
-- @include gate
-- @include choice
-- @include learned
-- @include reshape
-- @include index
local state, win, quarantine, picture, learned = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local given, ceiling = clock(ARGV[2], ARGV[1])
local known, fresh = number(ARGV[3], 'known'), number(ARGV[4], 'fresh')
local window_us = number(ARGV[5], 'window_ms') * 1000
local strategy, bucket = number(ARGV[6], 'strategy'), number(ARGV[7], 'bucket')
local burst = string.find(ARGV[8], '^[01]%.?%d*$') and tonumber(ARGV[8])
if not burst or burst <= 0 or burst > 1 then error({ err = 'BADARG burst must lie in (0, 1]' }) end
if window_us == 0 then error({ err = 'BADARG window_ms must be positive' }) end
local later, groups, keys = number(ARGV[9], 'later'), number(ARGV[10], 'groups'), number(ARGV[11], 'keys')
local keys_from = 12 + 5 * groups
local rows_from = keys_from + 4 * keys
if rows_from > #ARGV + 1 or (#ARGV + 1 - rows_from) % 3 ~= 0 then
  error({ err = 'BADARG the groups and keys are not as many as announced' })
end
for n = 12, rows_from - 1 do
  local column = n < keys_from and (n - 12) % 5 or (n - keys_from) % 4
  if column > 0 then number(ARGV[n], 'argument ' .. n) end
end
for n = rows_from, #ARGV, 3 do
  if number(ARGV[n], 'argument ' .. n) > #KEYS - 5 then error({ err = 'BADARG there is no ready set ' .. ARGV[n] }) end
end
-- The 240 slots span one slot more than the window: requests may reach the provider closer together than we
-- sent them
local slot_us = math.ceil(window_us * (SLOTS + 1) / SLOTS / SLOTS)

local r = open(state, win)
local lost = later == 2 or later == 0 and known > 0
if not r then
  r = records(state, win, { fresh, 0, 0, 0, 0, window_us, slot_us, strategy, 0, 0, 0, lost and 1 or 0, 0, 0, bucket, 0, 0 })
elseif later == 0 then
  -- a new replica created the pool before one that remembers the old epoch came back
  lost = known > 0 and r.pool[EPOCH] ~= known and r.pool[LOST] == 0
  if lost then r.pool[LOST] = 1 end
end
local p = r.pool
-- later parts of a lost pool: groups that are new to Redis, but not to the replica
local forgotten = known > 0 and p[EPOCH] ~= known
local now = pool_time(p, given, ceiling)
local slot = math.floor(now / slot_us)
if p[SLOT] ~= slot_us then reshape(r, now, slot) end

local begun = {}
for n = 12, keys_from - 1, 5 do
  begun[ARGV[n]] = true
  local g, indebted = group_of(r, ARGV[n]), lost
  if g then
    roll(win, p, g, slot)
    flow(p, g, now)
  else
    g, indebted = new_group(r, ARGV[n]), lost or forgotten
    g[AT], g[RECENT], g[LOW_SINCE], g[OLD_SINCE], g[SHRUNK] = now, slot, now, now, 1
  end
  g[BURST] = burst
  local stated = learned_of(redis.call('HGET', learned, ARGV[n]))
  local wanted = {}
  for d = 1, 4 do
    wanted[d] = tonumber(ARGV[n + d])
    limit(g, d, effective(wanted[d], stated[d]), now)
    if indebted then
      -- this debt may contain no earlier charge, so refunds must not reduce it
      g[LEVEL + d] = math.max(g[LEVEL + d], burst * g[LIMIT + d])
      g[LOW + d], g[OLD_LOW + d], g[CHANGED] = 0, 0, now
    end
  end
  change(r, g)
  redis.call('HSET', state, 'c:' .. ARGV[n], struct.pack(CONFIGURED, unpack(wanted)))
end
for n = keys_from, rows_from - 1, 4 do
  local k = key_of(r, ARGV[n])
  if not k then
    k = new_key(r, ARGV[n])
    k[K_STOPPED] = redis.call('HEXISTS', quarantine, ARGV[n])
  end
  k[K_MAX], k[K_PRIORITY], k[K_WEIGHT] = tonumber(ARGV[n + 1]), tonumber(ARGV[n + 2]), tonumber(ARGV[n + 3])
  change(r, k)
end
p[WINDOW], p[SLOT], p[STRATEGY], p[BUCKET], p[PUBLISHED] = window_us, slot_us, strategy, bucket, 0
index_all(r, KEYS, ARGV, rows_from, begun)
if later == 0 then redis.call('DEL', picture) end
write(r)
redis.call('PEXPIRE', state, keep_ms(p))
return { 1, now, p[EPOCH], lost and 2 or 1 }

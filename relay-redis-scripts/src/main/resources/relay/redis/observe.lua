-- Applies the limits stated in a provider's answer for a quota group. A stated limit is kept and holds for all
-- replicas. A stated remainder can only raise our usage: answers are stale by everything in flight. If the
-- account used more than we know, another user shares it: the difference is charged here, and ages out like
-- other usage.
--
-- KEYS  state      the pool's state
--       win        the closed slots of the groups' windows
--       learned    limits stated by the provider
--       ...        all ready sets of an indexed pool
-- ARGV  ceiling    latest plausible time on the pool's clock in microseconds, 0 if unknown
--       given      a test's clock in microseconds, - for Redis TIME
--       group      the quota group
--       ...        stated limits of requests, input, output, input + output; 0 where none is stated
--       ...        the remainder of each; - where none is stated
-- REPLY {1, time, requests, input, output}     charged foreign usage
--       {-3}                                   unknown pool or group
-- COST  two reads, one write; one more when a limit is new
-- @include numbers
-- @include pool
-- @include key
-- @include group
-- @include records
-- @include refund
-- @include coming
-- @include gate
-- @include choice
-- @include learned
-- @include index
local state, win, learned, group = KEYS[1], KEYS[2], KEYS[3], ARGV[3]
local given, ceiling = clock(ARGV[2], ARGV[1])
local stated, left = {}, {}
for d = 1, 4 do
  stated[d] = number(ARGV[d + 3], 'limit')
  left[d] = ARGV[d + 7] ~= '-' and number(ARGV[d + 7], 'remaining')
end
local r = open(state, win)
local g = r and group_of(r, group)
local limits = redis.call('HGET', state, 'c:' .. group)
if not (g and limits) then return { -3 } end
local p = r.pool
local now = pool_time(p, given, ceiling)
roll(win, p, g, math.floor(now / p[SLOT]))
flow(p, g, now)

local line = redis.call('HGET', learned, group)
local known, configured = learned_of(line), { struct.unpack(CONFIGURED, limits) }
for d = 1, 4 do
  if stated[d] > 0 then known[d] = stated[d] end
  limit(g, d, effective(configured[d], known[d]))
end
local told = learned_line(known)
if told ~= line then redis.call('HSET', learned, group, told) end
g.stated = nil -- a survey reads it anew
redis.call('PEXPIRE', learned, LEARNED_MS)

local foreign = { 0, 0, 0 }
for d = 1, 4 do
  if stated[d] > 0 and left[d] and left[d] < stated[d] then
    -- a part of what is to come is made already, and not reported yet
    local ours = p[BUCKET] == 1 and g[LEVEL + d] or used_of(g, d) + coming_of(g, d)
    -- providers round remaining tokens to thousands
    local unknown = math.floor(stated[d] - left[d] - ours - math.max(stated[d] / 100, d == 1 and 1 or 1000))
    local as = d == 4 and 2 or d -- the split of total tokens is unknown: count them as input
    if unknown > 0 then foreign[as] = math.max(foreign[as], unknown) end
  end
end
charge(g, unpack(foreign))
change(r, g)
write(r)
reopen(r, group, nil, 4, KEYS)
return { 1, now, unpack(foreign) }

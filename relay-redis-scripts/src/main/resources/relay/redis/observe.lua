-- Applies the limits stated in a provider's answer for a quota group. A stated limit is kept and holds for all
-- replicas. A stated remainder can only raise our usage: answers are stale by everything in flight. The most that
-- was ever left is what the provider's bucket holds: less than the limit bounds the burst. If less is left of that
-- than our use explains, another user shares the account: the difference is charged here, and ages out like other
-- usage. A later overage of ours takes it back.
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
--       granted    grant time of the answered request, 0 if unknown: the answer may be as old
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
local stated, rest = {}, {}
for d = 1, 4 do
  stated[d] = number(ARGV[d + 3], 'limit')
  rest[d] = ARGV[d + 7] ~= '-' and number(ARGV[d + 7], 'remaining')
end
local granted = moment(ARGV[12], 'granted')
local r = open(state, win)
local g = r and group_of(r, group)
local limits = redis.call('HGET', state, 'c:' .. group)
if not (g and limits) then return { -3 } end
local p = r.pool
local now = pool_time(p, given, ceiling)
roll(win, p, g, math.floor(now / p[SLOT]))
flow(p, g, now)

local line = redis.call('HGET', learned, group)
local known, left = learned_of(line)
local configured, had = { struct.unpack(CONFIGURED, limits) }, least_share(known, left)
local slack, owed, tells = {}, {}, false
for d = 1, 4 do
  if stated[d] > 0 then known[d] = stated[d] end
  limit(g, d, effective(configured[d], known[d]))
  -- providers round remaining tokens to thousands
  slack[d] = math.max(stated[d] / 100, d == 1 and 1 or 1000)
  owed[d] = math.max(0, g[LEVEL + d] - coming_of(g, d) - slack[d])
  tells = tells or stated[d] > 0 and rest[d]
end
if tells then note_left(left, stated, rest, owed, now) end
local told = learned_line(known, left)
if told ~= line then redis.call('HSET', learned, group, told) end
redis.call('PEXPIRE', learned, LEARNED_MS)

local share, _, shrunk = least_share(known, left), burst_of(g[BURST], g[SHRUNK], g[SHRUNK_AT], now)
local admitted = math.min(admitted_by(share, g[BURST]), share > had and math.min(1, shrunk * share / had) or shrunk)
if admitted ~= shrunk then g[SHRUNK], g[SHRUNK_AT] = admitted, now end

local foreign = { 0, 0, 0 }
for d = 1, 4 do
  if stated[d] > 0 and rest[d] then
    local beyond = stated[d] - share_of(known, left, d) * stated[d] -- what the bucket does not hold
    -- a part of what is to come is made already, and not reported yet
    local ours = p[BUCKET] == 1 and g[LEVEL + d]
      or math.max(g[LEVEL + d], used_of(g, d) + coming_of(g, d) - beyond)
    local aged = granted > 0 and math.max(0, now - granted) * stated[d] / p[WINDOW] or 0
    local unknown = math.floor(stated[d] - beyond - rest[d] - ours - slack[d] - aged)
    local as = d == 4 and 2 or d -- the split of total tokens is unknown: count them as input
    if unknown > 0 then foreign[as] = math.max(foreign[as], unknown) end
  end
end
charge(g, unpack(foreign))
note_foreign(p, g, foreign, now)
change(r, g)
write(r)
reopen(r, group, nil, 4, KEYS)
return { 1, now, unpack(foreign) }

-- Applies the limits stated in a provider's answer for a quota group. A stated limit is kept and holds for all
-- replicas. A stated remainder can only raise our usage: answers are stale by everything in flight. The most that
-- the provider's bucket was seen to hold bounds the burst. If less is left of that than our use explains, another
-- user shares the account: the difference is charged here, and ages out like other usage. A later overage of ours
-- is taken out of it.
--
-- KEYS  state      the pool's state
--       win        the closed slots of the groups' windows
--       learned    limits stated by the provider
--       ...        all ready sets of an indexed pool
-- ARGV  ceiling    latest plausible time on the pool's clock in microseconds, 0 if unknown
--       given      a test's clock in microseconds, - for Redis TIME
--       group      the quota group
--       granted    grant time of the answered request, 0 if unknown: the answer may be as old
--       ...        stated limits of requests, input, output, input + output; 0 where none is stated
--       ...        the remainder of each; - where none is stated
--       ...        milliseconds until each is full again, at least; - where none is stated
-- REPLY {1, time, requests, input, output}     charged foreign usage
--       {-3}                                   unknown pool or group
-- COST  two reads, one write; one more when a limit is new; two reads and a write more if the group is below another
-- @uses wire/numbers, state/pool, state/records, limits/learned_limits, limits/answers, choose/ready_sets
local state, win, learned, group = KEYS[1], KEYS[2], KEYS[3], ARGV[3]
local given, ceiling = pool.clock(ARGV[2], ARGV[1])
local granted = numbers.moment(ARGV[4], 'granted')
local stated, rest, full_us = answers.read(ARGV, 5)
local r = records.open(state, win)
if not r then return { -3 } end
local now = pool.time(r.pool, given, ceiling)
local foreign = answers.apply(r, learned, group, granted, stated, rest, full_us, now)
if not foreign then return { -3 } end
redis.call('PEXPIRE', learned, LEARNED_MS)
records.write(r)
ready_sets.reopen(r, group, nil, 4, KEYS)
return { 1, now, unpack(foreign) }

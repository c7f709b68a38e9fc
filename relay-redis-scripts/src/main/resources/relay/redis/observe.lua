-- Applies the limits stated in providers' answers for quota groups. A stated limit is kept and holds for all
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
--       answers    a line each: `group granted`, the grant time of the answered request, 0 if unknown: the answer may be
--                  as old; stated limits of requests, input, output, input + output, 0 where none is stated; the
--                  remainder of each, - where none is stated; milliseconds until each is full again, at least, or -
-- REPLY {1, time, ...} then for each answer requests, input, output: charged foreign usage
--       {-3}                                   unknown pool, or group of an answer: the others are applied
-- COST  for each answer two reads, one write; one more when a limit is new; two reads and a write more if the group is
--       below another
-- @uses state/pool, state/records, limits/answers, choose/ready_sets
local state, win, learned = KEYS[1], KEYS[2], KEYS[3]
local given, ceiling = pool.clock(ARGV[2], ARGV[1])
local parsed = answers.parse(ARGV[3])
local r = records.open(state, win)
if not r then return { -3 } end
ready_sets.hold(r, KEYS, 4)
local now = pool.time(r.pool, given, ceiling)
local all, known = answers.apply_all(r, learned, parsed, now)
if #all > 0 then records.write(r) end
if not known then return { -3 } end
return { 1, now, unpack(all) }

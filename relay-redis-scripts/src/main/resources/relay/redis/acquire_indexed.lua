-- Picks keys of a large pool that can carry requests and reserves the requests on them, or returns when one
-- can. Like `acquire`, but with candidates from the pool's index: it compares a few ready ones, and parks those
-- that cannot carry the request until they can. So a grant costs the same at any pool size, and no request is
-- denied while any key can carry it.
--
-- KEYS  state      the pool's state: records of the pool, its groups and its keys
--       win        the closed slots of the groups' windows
--       leases     leases by id
--       due        leases by the time of their next check: a list, in order of time
--       later      the same for all other leases: a sorted set
--       ...        each request's session, if the requests have sessions
--       ...        all ready sets, as for settle; those of a model class are adjacent, highest priority first
-- ARGV  call       `epoch ceiling given lease_ms endings`, as for acquire, then ` requests sessions first sets
--                  shadow`: the number of requests; the number of sessions (the same, or 0); the first ready set
--                  of the requests' model class; the number of its ready sets, 1 if all keys are in shadow mode; then
--                  costs and requests as for acquire, with the shares of the requests' clients
--       ...        the ids of the leases to end, then a new lease id for each request
--       ...        candidates to avoid: `key group`; or `+kind`, as for acquire
-- REPLY {1, time, ...}                         then for each ending and request the values of acquire, or
--         -5, 0, 0, 0, 0                       compared the maximum without a match: call again
--       {-3}                                   unknown pool, epoch or ready set: configure, then ask again
-- COST  for each request two reads and a write more than acquire with as many candidates as a sample. A
--       denial reads all candidates that requests of another size have parked. If the request is too large
--       for every usable key, it reads the quarantined ones as well
-- @uses wire/calls, state/pool, limits/kinds, choose/acquisition, choose/indexed, choose/ready_sets, choose/search
local a = acquisition.of(ARGV[1], ARGV)
local count, sessions, first, sets, shadow
count, sessions, first, sets, shadow, a.at = calls.counts_at(a.call, a.at)
if count < 1 then error({ err = 'BADARG a call has a request' }) end
acquisition.parse(a, 2, count)
acquisition.parse_clients(a)

local r, now = acquisition.open(a, KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5])
if not r then return { -3 } end
local from = 6 + sessions -- the position of the first ready set
first = from + first - 1
local last = first + sets - 1
if redis.call('EXISTS', KEYS[first]) == 0 then return { -3 } end
local avoided = { count = #ARGV - a.last }
for n = a.last + 1, #ARGV do
  if string.byte(ARGV[n]) ~= 43 then
    avoided[ARGV[n]] = true
  elseif shadow == 0 then
    kinds.barred(r, avoided, ARGV[n], now)
  end
end
ready_sets.hold(r, KEYS, from)
acquisition.hold_leases(a)
if now >= r.pool[FRESH_AT] then
  for n = first, last do ready_sets.keep_set(r, KEYS[n]) end
end
local reply = { 1, now, 0, 0, 0, 0, 0, a.endings > 0 and 0 or nil }
acquisition.end_leases(a, reply)
local index = { sets = KEYS, first = first, last = last, avoided = avoided, looks = MOST_LOOKS, shadow = shadow == 1 }
for n = 1, count do
  indexed.serve(r, index, acquisition.turn(a, n, 5, sessions > 0 and KEYS[n + 5]), now, a.lone)
end
return acquisition.finish(a)

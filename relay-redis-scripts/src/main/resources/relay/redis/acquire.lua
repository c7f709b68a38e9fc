-- Picks keys that can carry requests and reserves the requests on them, or returns when one can. A call may
-- carry several requests and the ids of leases that have ended. It ends the leases first and then handles the
-- requests in order, with the result of separate calls.
--
-- KEYS  state      the pool's state: records of the pool, its groups and its keys
--       win        the closed slots of the groups' windows
--       leases     leases by id
--       due        leases by the time of their next check: a list, in order of time
--       later      the same for all other leases: a sorted set
--       ...        each request's session, if the requests have sessions
-- ARGV  call       `epoch ceiling given lease_ms endings`: the pool's epoch as the replica knows it; the
--                  latest plausible time on the pool's clock in microseconds, 0 if unknown; a test's
--                  clock, - for Redis TIME; time to the leases' deadline; number of leases to end; then
--                  for each of those ` requests input output`: its actual cost, as for settle; then
--                  for each request ` input output spread`: the tokens to reserve, and the
--                  standard deviation of the output; spread is - if the provider charges the output at
--                  admission, which then holds for all requests of the group; of a lease that lasts, with an id
--                  `@owner:name`, `spread:ttl_ms:requests`: its own time, and the number of requests that its tokens are
--                  for, with a + if fewer will do; then, if clients have shares
--                  of the pool, for each request ` client rank weight kept floor ticket millis mark`: see queue/clients
--       candidates `key group` for each candidate, highest priority first, in one line; `key{} group` in shadow mode;
--                  then `+kind` if the requests are of a kind that accounts may refuse alone
--       ...        the ids of the leases to end, then a new lease id for each request
-- REPLY {1, time, ...} then for each ending one value, as settle; then for each request five:
--         1, key, group, input, output         granted
--         10 + reason, ...                     likewise, on a key in shadow mode, where it would be refused;
--                                              of a lease that lasts 1000 more for each request that it is for
--         0, wait_us, reason, key, 0           no capacity for wait_us; reason: 0 cooldown, 1 requests,
--                                              2 input, 3 output, 4 input + output, 5 concurrency,
--                                              7 requests a day, 8 tokens a day, 9 its owner has too many open leases
--         -1, dimension, limit, 0, 0           larger than every group's whole limit
--         -2, 0, 0, 0, 0                       every key that is large enough is quarantined
--         -4, 0, 0, 0, 0                       this lease has ended already
--       {-3}                                   unknown pool, group or epoch: configure, then ask again
-- COST  two reads and three writes for any number of endings and requests. More when a slot closes, a lease
--       expires, a request is denied, or another process wrote last: then each candidate is read
-- @uses state/records, limits/kinds, choose/acquisition, choose/listed
local a = acquisition.of(ARGV[1], ARGV)
acquisition.parse(a, 3, #ARGV - 2 - a.endings)
acquisition.parse_clients(a)

local r, now = acquisition.open(a, KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5])
if not r then return { -3 } end
local list, refusal = kinds.usable(r, records.named(r, ARGV[2]), now)
if not list then return { -3 } end
acquisition.hold_leases(a)
local reply = { 1, now, 0, 0, 0, 0, 0, a.endings > 0 and 0 or nil }
acquisition.end_leases(a, reply)
for n = 1, #a.requests do
  listed.serve(r, list, acquisition.turn(a, n, 5, KEYS[n + 5]), now, a.lone, refusal)
end
return acquisition.finish(a)

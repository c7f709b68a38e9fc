-- Reserves requests on the keys that they name: a pool of limits, with a key and a group for each client. Like `acquire`
-- otherwise, and tells what is left of each limit. A call may carry requests on different keys.
--
-- KEYS  state      the pool's state
--       win        the closed slots of the groups' windows
--       leases     leases by id
--       due        leases by the time of their next check: a list, in order of time
--       later      the same for all other leases: a sorted set
--       ...        all ready sets of other replicas' plans, as for settle
-- ARGV  call       `epoch ceiling given lease_ms endings`, then costs and requests as for acquire
--       ...        the ids of the leases to end; for each request a new lease id, or - to reserve nothing and only ask;
--                  then for each request its candidate: `key group`; `key{} group` in shadow mode
-- REPLY {1, time, ...} then for each ending one value, as settle; then for each request the five values of acquire, or
--         2, requests, input, output, in flight   for one that only asks: its group's usage
--                                              and eight more: for each dimension what is left of the limit (so many
--                                              requests, or tokens of one request), and the microseconds until all of it is
--       {-3}                                   unknown pool, key or epoch: configure, then ask again
-- COST  as acquire with one candidate
-- @include numbers
-- @include pool
-- @include key
-- @include group
-- @include foreign
-- @include records
-- @include refund
-- @include coming
-- @include gate
-- @include choice
-- @include index
-- @include lease
-- @include ending
-- @include grant
-- @include listed
-- @include allowance
local call = ARGV[1]
local epoch, ceiling, given, lease_us, endings, at = call_line(call)
local count = (#ARGV - 1 - endings) / 2
if count < 0 or count % 1 > 0 or endings + count == 0 then
  error({ err = 'BADARG a request has an id and a candidate' })
end
local costs, tokens
if endings > 0 then costs, at = costs_at(call, at, endings) end
tokens, at = tokens_at(call, at, count)
read_to(call, at)

local r = open(KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5])
local p = r and r.pool
if not p or p[EPOCH] ~= epoch then return { -3 } end
local lists = {}
for n = 1, count do
  local list = named(r, ARGV[1 + endings + count + n])
  if not list or #list ~= 2 then return { -3 } end
  lists[n] = list
end
local now = pool_time(p, given, ceiling)
sweep(r, now, 16, 6, KEYS)
hold_leases(r, ARGV, 2, 1 + endings + count)

local reply = { 1, now, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, endings > 0 and 0 or nil }
if endings > 0 then end_leases(r, ARGV, 2, 1 + endings, costs, now, 6, KEYS, reply) end
for n = 1, count do
  local id, list, place = ARGV[1 + endings + n], lists[n], 3 + endings + 13 * (n - 1)
  local g = list[2]
  if id == '-' then
    roll(r.win, p, g, math.floor(now / p[SLOT]))
    change(r, g)
    tell(reply, place, 2, g[USED + 1], g[USED + 2], g[USED + 3], g[FLIGHT])
  else
    serve(r, list, nil, id, now, lease_us, tokens[3 * n - 2], tokens[3 * n - 1], tokens[3 * n], reply, place)
  end
  tell_left(p, g, now, reply, place + 5)
end
write_leases(r, now)
write(r)
return reply

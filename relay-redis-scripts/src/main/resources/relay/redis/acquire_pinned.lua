-- Reserves a request on the account that made what the request names: a stored answer, a conversation, a file, a
-- container. Other accounts do not know it, so the request gets that account or waits for it. If no id is known, any
-- account may serve it. Otherwise as `acquire`, for one request.
--
-- KEYS  state      the pool's state: records of the pool, its groups and its keys
--       win        the closed slots of the groups' windows
--       leases     leases by id
--       due        leases by the time of their next check: a list, in order of time
--       later      the same for all other leases: a sorted set
--       ...        the request's session, if it has one; then the six hashes of the map of pins for each id; then
--                  all ready sets, as for settle, in a pool with an index
-- ARGV  call       `epoch ceiling given lease_ms 0`, as for acquire, then ` ids sessions first sets shadow`: the numbers
--                  of ids and sessions; the rest as for acquire_indexed; then ` input output spread`; then the share
--                  of its client, as for acquire, if clients have shares and the pool has no index
--       class      the request's model class
--       candidates as for acquire; in a pool with an index empty, or `+kind`
--       ...        a new lease id, then the hashes of the ids, in the order of preference
-- REPLY {1, time, ...}                         then the five values of acquire, or
--         -6, 0, 0, 0, 0                       no id is known, in a pool with an index: call acquire_indexed
--       {-3}                                   unknown pool, group, epoch or ready set: configure, then ask again
-- COST  six reads an id more than acquire; with an index, as much as for a conversation that has its account
-- @uses wire/calls, state/records, state/pin_map, limits/kinds, choose/acquisition, choose/listed
-- @uses choose/one_account, choose/ready_sets
local a = acquisition.of(ARGV[1], ARGV)
local ids, sessions, first, sets, shadow
ids, sessions, first, sets, shadow, a.at = calls.counts_at(a.call, a.at)
acquisition.parse(a, 4, 1)
acquisition.parse_clients(a)

local r, now = acquisition.open(a, KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5])
if not r then return { -3 } end
local from = 6 + sessions + 6 * ids -- the position of the first ready set
first = from + first - 1
local kind = string.match(ARGV[3], '^(%+%S+)$')
local is_indexed = kind or ARGV[3] == ''
local list = not is_indexed and records.named(r, ARGV[3])
if is_indexed and redis.call('EXISTS', KEYS[first]) == 0 or not (is_indexed or list) then return { -3 } end
kind = kind or list and list.kind
local account, opens = pin_map.pinned(KEYS, 6 + sessions, ARGV, 5, 4 + ids), math.huge
local group = account and account .. '/' .. ARGV[2]
if is_indexed then
  if group then list, opens = one_account.in_ready_sets(r, KEYS, first, first + sets - 1, group, now) end
else
  list = group and one_account.of_group(list, group) or list
end
if not list then
  records.write(r)
  return { 1, now, -6, 0, 0, 0, 0 }
end
local refused, refusal = kinds.refused_until(r, group, kind, now), nil
if refused > 0 then
  list, is_indexed, refusal = {}, false, { opens = refused, key = '' }
else
  list, refusal = kinds.usable(r, list, now)
end
if not list then return { -3 } end
ready_sets.hold(r, KEYS, from)
acquisition.hold_leases(a)
acquisition.end_leases(a, { 1, now, 0, 0, 0, 0, 0 })
local request = acquisition.turn(a, 1, 5, sessions > 0 and KEYS[5 + sessions])
if is_indexed then
  one_account.serve(r, list, request, now, opens, shadow == 1)
else
  listed.serve(r, list, request, now, a.lone, refusal)
end
return acquisition.finish(a)

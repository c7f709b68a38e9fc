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
--       lease      a new lease id
--       class      the request's model class
--       candidates as for acquire; in a pool with an index empty, or `+kind`
--       ...        the hashes of the ids, in the order of preference
-- REPLY {1, time, ...}                         then the five values of acquire, or
--         -6, 0, 0, 0, 0                       no id is known, in a pool with an index: call acquire_indexed
--       {-3}                                   unknown pool, group, epoch or ready set: configure, then ask again
-- COST  six reads an id more than acquire; with an index, as much as for a conversation that has its account
-- @uses wire/numbers, wire/calls, wire/replies, state/pool, state/pool_key, state/records, state/pin_map, state/lease
-- @uses limits/kinds, choose/choice, choose/bulk, choose/grant, choose/listed, choose/ready_sets, choose/one_account, queue/clients
local call, id = ARGV[1], ARGV[2]
local epoch, ceiling, given, lease_us, _, at = calls.line(call)
local ids, sessions, first_set, sets, shadow, requests, lone
ids, sessions, first_set, sets, shadow, at = calls.counts_at(call, at)
requests, at = calls.requests_at(call, at, 1, lease_us, ARGV, 2)
if at <= #call then lone, at = clients.parse(call, at, requests) end
numbers.read_to(call, at)

local r = records.open(KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5])
local p = r and r.pool
if not p or p[EPOCH] ~= epoch then return { -3 } end
local from = 6 + sessions + 6 * ids -- the position of the first ready set
first_set = from + first_set - 1
local kind = string.match(ARGV[4], '^(%+%S+)$')
local is_indexed = kind or ARGV[4] == ''
local list = not is_indexed and records.named(r, ARGV[4])
if is_indexed and redis.call('EXISTS', KEYS[first_set]) == 0 or not (is_indexed or list) then return { -3 } end
local now = pool.time(p, given, ceiling)
kind = kind or list and list.kind
local account, opens = pin_map.pinned(KEYS, 6 + sessions, ARGV, 5, 4 + ids), math.huge
local group = account and account .. '/' .. ARGV[3]
if is_indexed then
  if group then list, opens = one_account.in_ready_sets(r, KEYS, first_set, first_set + sets - 1, group, now) end
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
lease.sweep(r, now, 16)
lease.hold(r, ARGV, 2, 2)

local reply, request = { 1, now, 0, 0, 0, 0, 0 }, requests[1]
request.session, request.reply, request.reply_at = sessions > 0 and KEYS[5 + sessions] or nil, reply, 3
p[ASKED] = request.count or 1
if not is_indexed then
  listed.serve(r, list, request, now, lone, refusal)
elseif r.held[id] then
  grant.again(request, r.held[id])
elseif not request.count or bulk.begin(r, request, now) then
  local best, want_in, want_out, dimension, limit = choice.best_of(r, list, request, now, nil, choice.seed_of(r, id))
  if best then
    if request.whole then want_in, want_out = bulk.enlarge(r, request, list[best], list[best + 1], now, want_in, want_out) end
    grant.give(r, request, list[best], list[best + 1], now, want_in, want_out)
  else
    local stopped, small = want_in, want_out
    local soon, reason, opener = choice.soonest(r, list, request, now)
    if opens < soon then soon, reason, opener = opens, 0, '' end
    if shadow == 1 and #list > 0 and list[1][K_STOPPED] == 0 then
      grant.give_anyway(r, request, list[1], list[2], now, reason)
    elseif soon < math.huge then
      replies.wait(request, now, soon, reason, opener)
    elseif small == 0 or stopped > 0 and choice.is_kept_from(r, list, request) then
      replies.out_of_use(request)
    else
      replies.too_large(request, dimension, limit)
    end
  end
end
lease.write(r, now)
records.write(r)
return reply

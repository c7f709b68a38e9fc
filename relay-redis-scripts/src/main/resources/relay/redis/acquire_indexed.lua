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
-- @uses wire/numbers, wire/calls, wire/replies, state/pool, state/records, state/lease, state/ending, limits/kinds
-- @uses choose/choice, choose/bulk, choose/ready_sets, choose/search, choose/denial, choose/grant, queue/queue, queue/clients
-- @uses queue/large_queue, queue/openings
local call = ARGV[1]
local epoch, ceiling, given, lease_us, endings, at = calls.line(call)
local count, sessions, first_set, sets, shadow
count, sessions, first_set, sets, shadow, at = calls.counts_at(call, at)
if count < 1 or endings + count >= #ARGV then error({ err = 'BADARG there are fewer ids than announced' }) end
local costs, requests, lone
if endings > 0 then costs, at = ending.costs_at(call, at, endings) end
requests, at = calls.requests_at(call, at, count, lease_us, ARGV, 2 + endings)
if at <= #call then lone, at = clients.parse(call, at, requests) end
numbers.read_to(call, at)

local r = records.open(KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5])
local p = r and r.pool
if not p or p[EPOCH] ~= epoch then return { -3 } end
local from = 6 + sessions -- the position of the first ready set
first_set = from + first_set - 1
local last_set = first_set + sets - 1
if redis.call('EXISTS', KEYS[first_set]) == 0 then return { -3 } end
local avoided = { count = #ARGV - 1 - endings - count }
local now = pool.time(p, given, ceiling)
for n = 2 + endings + count, #ARGV do
  if string.byte(ARGV[n]) ~= 43 then
    avoided[ARGV[n]] = true
  elseif shadow == 0 then
    kinds.barred(r, avoided, ARGV[n], now)
  end
end
ready_sets.hold(r, KEYS, from)
lease.sweep(r, now, 16)
if now >= p[FRESH_AT] then
  for n = first_set, last_set do ready_sets.keep_set(r, KEYS[n]) end
end
lease.hold(r, ARGV, 2, 1 + endings + count)

local reply = { 1, now, 0, 0, 0, 0, 0, endings > 0 and 0 or nil }
if endings > 0 then ending.end_all(r, ARGV, 2, costs, now, reply) end
local index = { sets = KEYS, first = first_set, last = last_set, avoided = avoided, looks = MOST_LOOKS }

-- Replies to a request that no candidate can carry now.
local function refuse(request, answer)
  if shadow == 1 and answer.k then
    if request.client then large_queue.found(r, index, request, now) end
    grant.give_anyway(r, request, answer.k, answer.g, now, answer.opens < math.huge and answer.reason or answer.dimension)
  elseif answer.opens < math.huge then
    if lone and not request.client then
      request.client = clients.of_lone(lone)
      large_queue.see(r, index, request.client, now, request.spread)
    end
    local opens = request.client and large_queue.refused(r, index, request, answer, now) or answer.opens
    replies.wait(request, now, opens, answer.reason, answer.opener)
  elseif answer.small == 0 or denial.is_kept_from_any(r, index, request) then
    replies.out_of_use(request)
  else
    replies.too_large(request, answer.dimension, answer.limit)
  end
end

local function serve(request)
  if lone and queue.has_queue(large_queue.of(r, index)) then request.client = clients.of_lone(lone) end
  local find = request.client and large_queue.find or denial.find_or_deny
  local k, g, want_in, want_out, picked, answer = find(r, index, request, now)
  if k then
    local ask = request.client
    if request.whole and not (ask and (ask.of or ask.kept > 0)) then -- else what others wait for, or what it must leave, is not charged
      want_in, want_out = bulk.enlarge(r, request, k, g, now, want_in, want_out)
    end
    if ask then large_queue.found(r, index, request, now) end
    grant.give(r, request, k, g, now, want_in, want_out)
    if not (ask and openings.stays_parked(r, ask, picked, k, g)) then ready_sets.end_turn(r, picked, k, g) end
  elseif k == false and not kinds.are_enough(avoided) then
    replies.not_found(request)
  elseif avoided.opens and (k == false or answer.opens == math.huge) then -- the others are out of use, or not found
    replies.wait(request, now, avoided.opens, 0, '')
  else
    refuse(request, answer)
  end
end

for n, request in ipairs(requests) do
  local session = sessions > 0 and KEYS[n + 5] or nil
  request.session, request.reply, request.reply_at = session, reply, endings + 5 * n - 2
  if lone then lone.n = n end
  if r.held[request.id] then
    grant.again(request, r.held[request.id])
  else
    request.favourite = session and redis.call('GET', session) or nil
    request.seed = choice.seed_of(r, request.id)
    p[ASKED] = request.count or 1
    if not request.count or bulk.begin(r, request, now) then serve(request) end
  end
end
lease.write(r, now)
records.write(r)
return reply

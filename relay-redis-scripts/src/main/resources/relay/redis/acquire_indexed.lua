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
-- @uses wire/numbers, state/pool, state/records, state/lease, state/ending, limits/gate, limits/kinds, choose/choice
-- @uses choose/ready_sets, choose/search, choose/denial, choose/grant, queue/queue, queue/clients, queue/large_queue
-- @uses queue/openings
local call = ARGV[1]
local epoch, ceiling, given, lease_us, endings, at = grant.call_line(call)
local requests, sessions, first_set, sets, shadow
requests, sessions, first_set, sets, shadow, at = grant.counts_at(call, at)
if requests < 1 or endings + requests >= #ARGV then error({ err = 'BADARG there are fewer ids than announced' }) end
local costs, tokens, asks, lone
if endings > 0 then costs, at = ending.costs_at(call, at, endings) end
tokens, at = grant.tokens_at(call, at, requests)
if at <= #call then asks, lone, at = clients.parse(call, at, requests) end
numbers.read_to(call, at)

local r = records.open(KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5])
local p = r and r.pool
if not p or p[EPOCH] ~= epoch then return { -3 } end
local from = 6 + sessions -- the position of the first ready set
first_set = from + first_set - 1
local last_set = first_set + sets - 1
if redis.call('EXISTS', KEYS[first_set]) == 0 then return { -3 } end
local avoided = { count = #ARGV - 1 - endings - requests }
local now = pool.time(p, given, ceiling)
for n = 2 + endings + requests, #ARGV do
  if string.byte(ARGV[n]) ~= 43 then
    avoided[ARGV[n]] = true
  elseif shadow == 0 then
    kinds.barred(r, avoided, ARGV[n], now)
  end
end
lease.sweep(r, now, 16, from, KEYS)
if now >= p[FRESH_AT] then
  for n = first_set, last_set do ready_sets.keep_set(r, KEYS[n]) end
end
lease.hold(r, ARGV, 2, 1 + endings + requests)

local reply = { 1, now, 0, 0, 0, 0, 0, endings > 0 and 0 or nil }
if endings > 0 then ending.end_all(r, ARGV, 2, 1 + endings, costs, now, from, KEYS, reply) end
local looks, index = { left = MOST_LOOKS }, { sets = KEYS, from = from, first = first_set, last = last_set }
for n = 1, requests do
  local id, place = ARGV[1 + endings + n], endings + 5 * n - 2
  local input, output, spread = tokens[3 * n - 2], tokens[3 * n - 1], tokens[3 * n]
  local again = r.held[id]
  if again then
    grant.tell_again(again, reply, place)
  else
    local session = sessions > 0 and KEYS[n + 5] or nil
    local favourite = session and redis.call('GET', session) or nil
    if lone then lone.n = n end
    local ask = asks and asks[n] or lone and queue.has_queue(large_queue.of(r, index)) and clients.of_lone(lone) or nil
    local seed = p[STRATEGY] == RANDOM and grant.seed_of(id)
    local k, g, want_in, want_out, picked, answer
    if ask then
      k, g, want_in, want_out, picked, answer =
        large_queue.find(r, index, ask, now, input, output, spread, favourite, seed, avoided, looks)
    else
      k, g, want_in, want_out, picked, answer = denial.find_or_deny(r, KEYS, first_set, last_set, now, input, output, favourite, seed, avoided,
        looks)
    end
    if k then
      if ask then large_queue.found(r, index, ask, now, input, output) end
      grant.give(r, session, id, k, g, now, lease_us, want_in, want_out, spread, reply, place)
      if not (ask and openings.stays_parked(r, ask, picked, k, g)) then ready_sets.end_turn(r, picked, k, g) end
    elseif k == false and not kinds.are_enough(avoided) then
      grant.tell(reply, place, -5, 0, 0, 0, 0)
    elseif avoided.opens and (k == false or answer.opens == math.huge) then -- the others are out of use, or not found
      grant.tell(reply, place, 0, math.max(1, gate.wait(avoided.opens, now)), 0, '', 0)
    elseif shadow == 1 and answer.k then
      if ask then large_queue.found(r, index, ask, now, input, output) end
      grant.give_anyway(r, session, id, answer.k, answer.g, now, lease_us, input, output, spread,
        answer.opens < math.huge and answer.reason or answer.dimension, reply, place)
    elseif answer.opens < math.huge then
      if lone and not ask then
        ask = clients.of_lone(lone)
        large_queue.see(r, index, ask, now, spread)
      end
      local opens = ask and large_queue.refused(r, index, ask, answer, now, input, output, avoided) or answer.opens
      grant.tell(reply, place, 0, math.max(1, gate.wait(opens, now)), answer.reason, answer.opener, 0)
    elseif answer.small == 0 or denial.is_kept_from_any(r, KEYS, first_set, last_set, input, output, avoided) then
      grant.tell(reply, place, -2, 0, 0, 0, 0)
    else
      grant.tell(reply, place, -1, answer.dimension, answer.limit, 0, 0)
    end
  end
end
lease.write(r, now)
records.write(r)
return reply

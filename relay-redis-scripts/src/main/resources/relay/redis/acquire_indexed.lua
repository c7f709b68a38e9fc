-- Picks keys of a large pool that can carry requests and reserves the requests on them, or says when
-- one can. As `acquire`, but the candidates come from the pool's index: a few that are ready are
-- compared, those that prove unable are parked until they are able. So a grant costs the same whatever
-- the pool's size, and no request is denied while any key can carry it.
--
-- KEYS  state      the pool's state: records of the pool, its groups and its keys
--       win        the closed slots of the groups' windows
--       leases     leases by id
--       due        when leases are looked at again: those in order
--       later      and all others
--       ...        each request's session, with affinity; else none
--       ...        the ready sets of the requests' model class, highest priority first
--       ...        those of the other classes
-- ARGV  call       `epoch ceiling given lease_ms`, as for acquire, then ` requests sessions sets`: the
--                  numbers of requests, of sessions (as many, or 0) and of ready sets of the class; then of
--                  each request ` input output`
--       ...        each request's lease's id
--       ...        candidates to leave out: `key group`
-- REPLY {1, time, ...}                         and of each request five values, as acquire; or
--         -5, 0, 0, 0, 0                       many were looked at in vain: ask again
--       {-3}                                   unknown pool, epoch or ready set: configure, then ask again
-- COST  two reads and a write more than acquire with as many candidates as a sample has. A denial looks at
--       all that were parked by requests of another size
-- @include numbers
-- @include pool
-- @include key
-- @include group
-- @include records
-- @include gate
-- @include choice
-- @include index
-- @include search
-- @include lease
-- @include grant
local state, win, leases, due, later = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local call = ARGV[1]
local epoch, ceiling, given, lease_us, at = call_line(call)
local requests, sessions, sets
requests, sessions, sets, at = counts_at(call, at)
if requests >= #ARGV then error({ err = 'BADARG there are fewer requests than announced' }) end
local tokens = { 0, 0 }
for n = 1, requests do tokens[2 * n - 1], tokens[2 * n], at = tokens_at(call, at) end
read_to(call, at)

local r = open(state, win)
local p = r and r.pool
if not p or p[EPOCH] ~= epoch then return { -3 } end
local first_set, last_set = 6 + sessions, 5 + sessions + sets
if redis.call('EXISTS', KEYS[first_set]) == 0 then return { -3 } end
local avoided = {}
for n = 2 + requests, #ARGV do avoided[ARGV[n]] = true end
local now = pool_time(p, given, ceiling)
sweep(r, leases, due, later, now, 16, first_set, KEYS)
if now >= p[FRESH_AT] then
  for n = first_set, last_set do redis.call('PEXPIRE', KEYS[n], keep_ms(p)) end
end

local reply = { 1, now, 0, 0, 0, 0, 0 }
local looks = { left = MOST_LOOKS }
for n = 1, requests do
  local id, input, output, place = ARGV[n + 1], tokens[2 * n - 1], tokens[2 * n], 5 * n - 2
  local session = sessions > 0 and KEYS[n + 5] or nil
  local favourite = session and redis.call('GET', session) or nil
  local k, g, want_in, want_out, picked, answer
  for s = first_set, last_set do
    picked = KEYS[s]
    k, g, want_in, want_out =
      search(r, picked, now, input, output, favourite, p[STRATEGY] == RANDOM and seed_of(id), avoided, looks)
    if k == nil then
      answer = answer or { opens = math.huge, reason = 0, opener = '', small = 0, dimension = 0, limit = 0 }
      k, g, want_in, want_out = deny(r, picked, now, input, output, avoided, answer)
    end
    if k ~= nil then break end
  end
  if k and grant(r, leases, due, later, session, id, k, g, now, lease_us, want_in, want_out, reply, place) then
    redis.call('ZADD', picked, k[K_PASS], row_of(k, g))
  elseif held_by(leases, id, reply, place) then
    -- it is a duplicate
  elseif k == false then
    tell(reply, place, -5, 0, 0, 0, 0)
  elseif answer.opens < math.huge then
    tell(reply, place, 0, math.max(1, wait(answer.opens, now)), answer.reason, answer.opener, 0)
  elseif answer.small > 0 then
    tell(reply, place, -1, answer.dimension, answer.limit, 0, 0)
  else
    tell(reply, place, -2, 0, 0, 0, 0)
  end
end
write(r)
return reply

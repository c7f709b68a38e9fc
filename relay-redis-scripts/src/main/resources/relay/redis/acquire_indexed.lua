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
-- ARGV  call       `epoch ceiling given lease_ms`, as for acquire
--       requests   number of requests
--       sessions   number of sessions: of requests, or 0
--       sets       number of ready sets of the class
--       ...        each request: `id input output`
--       ...        candidates to leave out: `key group`
-- REPLY {1, time, ...}                         and of each request five values, as acquire; or
--         -5, 0, 0, 0, 0                       many were looked at in vain: ask again
--       {-3}                                   unknown pool, epoch or ready set: configure, then ask again
-- COST  three reads and a write more than acquire with as many candidates as a sample has. A denial looks
--       at all that were parked by requests of another size
-- @include numbers
-- @include pool
-- @include key
-- @include group
-- @include gate
-- @include choice
-- @include index
-- @include lease
-- @include grant
local state, win, leases, due, later = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local epoch, ceiling, given, lease_us = call_line(ARGV[1])
local requests, sessions, sets = number(ARGV[2], 'requests'), number(ARGV[3], 'sessions'), number(ARGV[4], 'sets')
local value = redis.call('HGET', state, 'pool')
local p = value and read_pool(value)
if not p or p[EPOCH] ~= epoch then return { -3 } end
local first_set, last_set = 6 + sessions, 5 + sessions + sets
if redis.call('EXISTS', KEYS[first_set]) == 0 then return { -3 } end
local avoided = {}
for n = 5 + requests, #ARGV do avoided[ARGV[n]] = true end
local now = pool_time(p, given, ceiling)
sweep(state, leases, due, later, p, now, 16, first_set, KEYS)
if now >= p[FRESH_AT] then
  for n = first_set, last_set do redis.call('PEXPIRE', KEYS[n], keep_ms(p)) end
end

local changed = {}
local reply = { 1, now }
local looks = { left = MOST_LOOKS }
for n = 1, requests do
  local id, input, output = request_line(ARGV[n + 4])
  local size = input .. ' ' .. output
  local session = sessions > 0 and KEYS[n + 5] or nil
  local favourite = session and redis.call('GET', session) or nil
  local told = held_by(leases, id)
  local answer = { opens = math.huge, reason = 0, opener = '', small = 0, dimension = 0, limit = 0 }
  local fields, v, best, want_in, want_out, picked
  for s = first_set, last_set do
    if told or fields ~= nil then break end
    picked = KEYS[s]
    fields, v, best, want_in, want_out = search(state, win, p, picked, size, now, input, output, favourite,
      p[STRATEGY] == RANDOM and seed_of(id), avoided, looks, changed)
    if fields == nil then
      fields, v, best, want_in, want_out = deny(state, win, p, picked, size, now, input, output, avoided, answer, changed)
    end
  end
  if not told and fields == nil then
    if answer.opens < math.huge then
      told = { 0, math.max(1, wait(answer.opens, now)), answer.reason, answer.opener, 0 }
    elseif answer.small > 0 then
      told = { -1, answer.dimension, answer.limit, 0, 0 }
    else
      told = { -2, 0, 0, 0, 0 }
    end
  end
  if not told and fields then
    told = grant(state, leases, due, later, session, p, id, fields[best], fields[best + 1], v[best], v[best + 1], now, lease_us,
      want_in, want_out, changed)
    redis.call('ZADD', picked, read_key(changed[fields[best]])[K_PASS], row_of(fields[best], fields[best + 1]))
  end
  told = told or { -5, 0, 0, 0, 0 }
  for x = 1, 5 do reply[#reply + 1] = told[x] end
end
write_all(state, p, changed)
return reply

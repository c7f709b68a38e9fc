-- Extends the deadlines of leases whose requests still run. A lease that has expired is live again, and so is one whose record is
-- gone: its request counts for its key's `max_concurrent` as before, even if that is exceeded now.
-- A report tells the output that a request has made so far, in all. So a report that is repeated, late or lost changes nothing.
-- Reports come every two seconds. They extend a deadline only when a quarter of the time has passed.
-- A worker's lease, with an id `@...`, has a time of its own. Each report renews it, unless it has expired.
--
-- KEYS  state      the pool's state
--       win        the closed slots of the groups' windows
--       leases     leases by id
--       later      leases by the time of their next check, except new ones
--       ...        all ready sets of an indexed pool
-- ARGV  ceiling    latest plausible time on the pool's clock in microseconds, 0 if unknown
--       given      a test's clock in microseconds, - for Redis TIME
--       lease_ms   time from now to the new deadline
--       ...        for each lease its id; of one that lasts `id made rest spread ttl_ms`; or `id made rest spread`: output made so far, output expected still to
--                  come, its standard deviation; or, if a call has told that it is not live, `id key group epoch granted input
--                  output`: its grant, to count it again. Such a call is ignored when it is late
-- REPLY {1, time, alive...}                    for each lease 1 if it is live, else 0
--       {-3}                                   unknown pool
-- COST  two reads and three writes
-- @uses wire/numbers, state/pool, state/quota_group, state/records, state/lease, state/lease_record, state/open_leases
-- @uses limits/output_reports, choose/ready_sets
local state, win, leases, later = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local given, ceiling = pool.clock(ARGV[2], ARGV[1])
local lease_us = numbers.number(ARGV[3], 'lease_ms') * 1000
local ids, grants = {}, {}
local reported, rests, spreads, ttls = {}, {}, {}, {} -- by the lease's number; without a report nil
for n = 1, #ARGV - 3 do
  local text = ARGV[n + 3]
  local id, made, rest, spread, ttl = string.match(text, '^(%S+) (%d+) (%d+) (%d+)$')
  if open_leases.lasts(text) then
    id, made, rest, spread, ttl = string.match(text, '^(%S+) (%d+) (%d+) (%d+) (%d+)$')
    if not id then error({ err = 'BADARG a lease that lasts is `id made rest spread ttl_ms`' }) end
    ttls[n] = numbers.bounded(ttl, 'ttl_ms') * 1000
  end
  if id then
    reported[n], rests[n], spreads[n] = numbers.bounded(made, 'made'), numbers.bounded(rest, 'rest'), numbers.bounded(spread, 'spread')
  elseif string.find(text, ' ', 1, true) then
    local key, group, epoch, granted, input, output
    id, key, group, epoch, granted, input, output =
      string.match(text, '^(%S+) (%S+) (%S+) (%d+) (%d+) (%d+) (%d+)$')
    if not id then
      error({ err = 'BADARG a lease is `id`, `id made rest spread` or `id key group epoch granted input output`' })
    end
    grants[n] = {
      key, group, numbers.bounded(epoch, 'epoch'), numbers.moment(granted, 'granted'), numbers.bounded(input, 'input'), numbers.bounded(output, 'output'),
    }
  end
  ids[n] = id or text
end
local r = records.open(state, win, leases)
if not r then return { -3 } end
ready_sets.hold(r, KEYS, 5)
local p = r.pool
local now = pool.time(p, given, ceiling)
local wanted = lease.deadline_of(now, lease_us)
local early = now + 0.75 * lease_us -- a report leaves a later deadline as it is
local slot = math.floor(now / p[SLOT])

-- The record of a lease that Redis has forgotten. What it reserved has aged out, or was lost with the state.
local function record_again(grant)
  local key, group, epoch, granted, input, output = unpack(grant)
  local lost = epoch ~= p[EPOCH] or math.floor(granted / p[SLOT]) >= slot - SLOTS
  if lost then input, output = 0, 0 end
  return lease.pack({ key, group, lost and now or 0, lost and 0 or 1, input, output, wanted, EXPIRED_LEASE, 0, NOT_COMING, 0, now })
end

local reply = { 1, now }
local written, checks = {}, {} -- what is written
local held = #ids > 0 and redis.call('HMGET', leases, unpack(ids)) or {}
local replied = {} -- an id may occur twice
local recorded, checked = 0, 0
for n = 1, #ids do
  local id = ids[n]
  local before = replied[id]
  local alive, record, grant = before or 0, not before and held[n], grants[n]
  -- an ended lease has a tombstone that outlives every call that is not late
  if grant and not (record or before) and now < ceiling + TOMB_US then record = record_again(grant) end
  if record and not lease.is_tomb(record) then
    local l, ttl = lease.read(record), ttls[n]
    local group = l[L_GROUP]
    local g = r.groups[group] or records.group(r, group)
    if ttl and l[L_DEADLINE] <= now then l[L_STATE] = EXPIRED_LEASE end
    local k = l[L_STATE] == EXPIRED_LEASE and not ttl and g and records.key(r, l[L_KEY])
    if k then
      p[LIVE] = p[LIVE] + 1
      lease.count_in_flight(r, k, g, 1)
      l[L_STATE] = RENEWED
    end
    if l[L_STATE] ~= EXPIRED_LEASE and g then
      alive = 1
      local is, deadline = reported[n], l[L_DEADLINE]
      if is and l[L_REST] == NOT_COMING and ttl then
        l[L_MADE] = math.max(l[L_MADE], math.min(is, l[L_OUTPUT])) -- it is charged; its end may ask whether anything was made
      elseif is and l[L_REST] ~= NOT_COMING and is > l[L_MADE] then
        local rest, spread = rests[n], spreads[n]
        output_reports.count(r, g, l, now, is - l[L_MADE], rest - l[L_REST], spread * spread - l[L_SPREAD] * l[L_SPREAD])
        ready_sets.reopen(r, group) -- less may be expected than before: its candidates are ready again
        l[L_MADE], l[L_REST], l[L_SPREAD], l[L_REPORTED_AT] = is, rest, spread, now
      end
      if not is or ttl or deadline < early then
        deadline = math.max(deadline, ttl and lease.deadline_of(now, ttl) or wanted)
        l[L_DEADLINE], l[L_STATE] = deadline, RENEWED
        if ttl then open_leases.add(r, id, deadline) end
        checks[checked + 1], checks[checked + 2], checked = deadline, id, checked + 2
        if deadline < p[SWEEP_AT] then p[SWEEP_AT] = deadline end
      end
      written[recorded + 1], written[recorded + 2] = id, lease.pack(l)
      recorded = recorded + 2
    end
  end
  reply[2 + n], replied[id] = alive, alive
end
if recorded > 0 then redis.call('HSET', leases, unpack(written)) end
if checked > 0 then redis.call('ZADD', later, unpack(checks)) end
pool.keep(p, state, leases, later)
records.write(r)
return reply

-- Leases, in the hash `leases`: id to record. An ended lease stays for a while as a tombstone, so a duplicate
-- or late call changes nothing. An expired lease stays too, so its late settlement is exact. Two queues hold
-- the time of each lease's next check: the list `due` for new leases, whose times only rise, and the sorted set
-- `later` for all others.
-- @uses state/pool, state/pool_key, state/quota_group, state/records, state/ring, state/open_leases, state/lease_record
-- @uses limits/expected, choose/ready_sets
local lease = {}
local LEASE = '<ssdddddddddd' -- see state/lease_record
local NOT_COMING = -1 -- nothing is expected: the provider charges the output at admission
local FRESH, RENEWED, EXPIRED_LEASE = 0, 1, 2
local TOMB = '<sdd' -- 'ended', or 'never' of a lease that lasts and ended for good; the time of the end, its time in the list `due` or 0
local TOMB_BYTES, TOMB_US = 22, 30e6
local KEPT_US = 3600e6 -- of a lease that lasts: its tombstone after its end, its record after it has expired
local TICK_US = 1e5 -- deadlines are rounded up to this, so one sweep handles many
local NOTHING_DUE = 9e15

function lease.read(record) return { struct.unpack(LEASE, record) } end
function lease.pack(l) return struct.pack(LEASE, unpack(l, 1, 12)) end

function lease.is_tomb(record) return #record == TOMB_BYTES end

-- Whether a tombstone is of a lease that ended for good: a later settlement finds no such lease.
function lease.is_closed(tomb) return string.byte(tomb) == 110 end

function lease.deadline_of(now, lease_us) return math.ceil((now + lease_us) / TICK_US) * TICK_US end

-- Reads the records of the ids `from` to `to` of a call; an id may occur more than once. `held` is their state
-- as the call proceeds. The call writes its changes at the end.
function lease.hold(r, ids, from, to)
  local found = redis.call('HMGET', r.leases, unpack(ids, from, to))
  local held = { [ids[from]] = found[1], [ids[to]] = found[to - from + 1] } -- most calls have one or two ids
  for n = from + 1, to - 1 do held[ids[n]] = found[n - from + 1] end
  r.held, r.written_count, r.queued_count, r.expects = held, 0, 0, false
end

function lease.put(r, id, record)
  local written, n = r.written, r.written_count
  r.held[id], written[n + 1], written[n + 2], r.written_count = record, id, record, n + 2
end

-- Schedules a lease's next check. One `ahead` of its time would keep the next leases out of the list, whose times only rise.
local function expect(r, id, at, ahead)
  local p = r.pool
  if at >= p[LAST_DUE] and not ahead then
    local n = r.queued_count + 1
    p[LAST_DUE], r.queued[n], r.queued_count = at, id, n
  else
    redis.call('ZADD', r.later, at, id)
    p[FRESH_AT] = 0 -- it may be new
  end
  if at < p[SWEEP_AT] then p[SWEEP_AT] = at end
  r.expects = true
end

-- Writes the call's changes of leases. Extends the TTL of all the pool's keys once a minute, and when one of
-- them may be new.
function lease.write(r, now)
  local p = r.pool
  if r.written_count > 0 then redis.call('HSET', r.leases, unpack(r.written, 1, r.written_count)) end
  if r.queued_count > 0 then redis.call('RPUSH', r.due, unpack(r.queued, 1, r.queued_count)) end
  if r.expects and now >= p[FRESH_AT] then
    p[FRESH_AT] = now + 60e6
    pool.keep(p, r.state, r.win, r.leases, r.due, r.later)
  end
end

-- A request begins (1) or ends (-1) to count as in flight.
function lease.count_in_flight(r, k, g, sign)
  k[K_FLIGHT] = k[K_FLIGHT] + sign
  records.change(r, k)
  repeat
    g[FLIGHT] = g[FLIGHT] + sign
    records.change(r, g)
    g = g.above and records.above(r, g)
  until not g
end

-- Creates the lease of a request, or of several that count as one, charged now or at `since`. Without `spread` its output is
-- charged already.
function lease.begin(r, request, k, g, now, input, output)
  local id, spread, deadline = request.id, request.spread, lease.deadline_of(now, request.lease_us)
  local lasts = request.count and open_leases.lasts(id) -- its deadline is out of the order of others
  lease.put(r, id, struct.pack(LEASE, k.id, g.id, request.since or now, request.count or 1, input, output, deadline,
    lasts and RENEWED or FRESH, 0, spread and output or NOT_COMING, spread or 0, now))
  expect(r, id, deadline, lasts)
  if lasts then open_leases.add(r, id, deadline) end
  r.pool[LIVE] = r.pool[LIVE] + 1
  lease.count_in_flight(r, k, g, 1)
end

-- Replaces an ended lease by its tombstone. `word`: 'never' if nothing may settle it any more.
function lease.end_as(r, id, l, word, now)
  -- it is in the list `due` at its deadline, unless the deadline has changed
  lease.put(r, id, struct.pack(TOMB, word, now, l[L_STATE] == FRESH and l[L_DEADLINE] or 0))
end

-- Writes a tombstone for an id without a lease. It is kept for a while after `ended`.
function lease.bury(r, id, ended)
  local deadline = lease.deadline_of(ended, TOMB_US)
  lease.put(r, id, struct.pack(TOMB, open_leases.lasts(id) and 'never' or 'ended', ended, deadline))
  expect(r, id, deadline, ended > r.pool[LAST])
end

-- Releases the concurrency of an expired lease, and gives back what it still expected; its charge stays until it ages out.
-- Returns its record, and the time until which that is kept.
local function expire(r, id, l, now)
  local p, k, g = r.pool, records.key(r, l[L_KEY]), records.group(r, l[L_GROUP])
  if k and g then
    lease.count_in_flight(r, k, g, -1)
    if l[L_REST] ~= NOT_COMING then
      repeat
        if g[RECENT] < math.floor(now / p[SLOT]) then ring.roll(r.win, p, g, math.floor(now / p[SLOT])) end
        quota_group.flow(p, g, now)
        expected.expect(g, -l[L_REST], -l[L_SPREAD] * l[L_SPREAD], 0)
        g = records.above(r, g)
      until not g
      l[L_REST], l[L_SPREAD] = 0, 0
    end
  end
  p[LIVE], p[EXPIRED] = p[LIVE] - 1, p[EXPIRED] + 1
  l[L_STATE] = EXPIRED_LEASE
  if not open_leases.lasts(id) then return lease.pack(l), now + p[WINDOW] + TOMB_US end
  open_leases.remove(r, id)
  return lease.pack(l), now + KEPT_US
end

-- The time of an ended or a live lease's next check; nil if its record is to be deleted. One whose deadline is over expires: its
-- record is added to `expired`, which names it too.
local function checked_again(r, id, record, now, expired)
  if lease.is_tomb(record) then
    local _, ended = struct.unpack(TOMB, record)
    local till = ended + (open_leases.lasts(id) and KEPT_US or TOMB_US)
    return till > now and till or nil
  end
  local l, at = lease.read(record), nil
  if l[L_STATE] == EXPIRED_LEASE then return end
  if l[L_DEADLINE] > now then return l[L_DEADLINE] end
  ready_sets.reopen(r, l[L_GROUP], l[L_KEY])
  expired[#expired + 1], expired[id] = id, true
  expired[#expired + 1], at = expire(r, id, l, now)
  return at
end

-- The time at which the list `due` has a lease; nil if it is in the other queue.
local function listed_at(record)
  if lease.is_tomb(record) then
    local _, _, at = struct.unpack(TOMB, record)
    return at
  end
  local _, _, _, _, _, _, deadline, state = struct.unpack(LEASE, record)
  return state == FRESH and deadline or nil
end

-- The records of some ids.
local function records_of(r, ids) return #ids > 0 and redis.call('HMGET', r.leases, unpack(ids)) or {} end

-- Checks what is due in the list, at most `most` leases, by `check`. Returns the time at which the next one is due.
local function sweep_list(r, now, most, expired, check)
  local ids, taken, next_at = redis.call('LRANGE', r.due, 0, most - 1), 0, NOTHING_DUE
  local known = records_of(r, ids)
  for n, id in ipairs(ids) do
    local record = known[n]
    if record and not expired[id] then
      local at = listed_at(record)
      if at and at > now then
        next_at = at
        break
      end
      if at then check(id, record) end
    end
    taken = taken + 1
  end
  if taken > 0 then redis.call('LTRIM', r.due, taken, -1) end
  if taken == most then next_at = now end
  return next_at
end

-- Checks what is due, at most `most` leases of each queue, so that a call's cost is bounded. `SWEEP_AT` is never later than
-- the first due time, so a call with nothing to sweep needs no command.
--
-- Each lease passes the list once, and `later` once or twice. An acquire makes at most 16 leases and checks 16 of each queue: so
-- under any load leases are checked at least as fast as they are made, by however many replicas.
function lease.sweep(r, now, most)
  local p, leases, later = r.pool, r.leases, r.later
  if now < p[SWEEP_AT] then return end
  local gone, checks = {}, {} -- these are written in one command each
  local expired = {} -- so are these; an id that was used again may stand in both queues

  -- Returns whether there is a next check.
  local function check(id, record)
    local at = checked_again(r, id, record, now, expired)
    if at then
      checks[#checks + 1], checks[#checks + 2] = at, id
    else
      gone[#gone + 1] = id
    end
    return at ~= nil
  end

  local next_at = sweep_list(r, now, most, expired, check)
  local ids = redis.call('ZRANGEBYSCORE', later, '-inf', now, 'LIMIT', 0, most)
  local known, left = records_of(r, ids), {}
  for n, id in ipairs(ids) do
    if not (known[n] and (expired[id] or check(id, known[n]))) then left[#left + 1] = id end
  end
  if #left > 0 then redis.call('ZREM', later, unpack(left)) end
  if #expired > 0 then redis.call('HSET', leases, unpack(expired)) end
  if #checks > 0 then redis.call('ZADD', later, unpack(checks)) end
  local first = redis.call('ZRANGE', later, 0, 0, 'WITHSCORES')
  if first[2] then next_at = math.min(next_at, tonumber(first[2])) end
  if #gone > 0 then redis.call('HDEL', leases, unpack(gone)) end
  p[SWEEP_AT] = next_at
  pool.keep(p, leases, r.due, later)
  p[FRESH_AT] = 0 -- a queue that is empty now is created again by the next lease, without a TTL
end

-- As many as a call may that is no request's: 2 us for a tombstone, 6 for a lease that expires, so half a millisecond. Requests
-- wait for the call none the less. Returns whether more are due: then calls of `sweep` check them, 64 every few milliseconds, some
-- 10,000 a second by each replica, although no acquire comes after a burst.
function lease.sweep_most(r, now)
  lease.sweep(r, now, 64)
  return r.pool[SWEEP_AT] <= now
end

-- Leases, in the hash `leases`: id to record. An ended lease stays for a while as a tombstone, so a duplicate
-- or late call changes nothing. An expired lease stays too, so its late settlement is exact. Two queues hold
-- the time of each lease's next check: the list `due` for new leases, whose times only rise, and the sorted set
-- `later` for all others.
-- key, group, time, requests, input, output of the reservation; deadline; state; output: reported as made, expected still
-- to come, its standard deviation; time of the last report
-- @uses state/pool, state/pool_key, state/quota_group, state/records, state/ring, state/open_leases, limits/expected
-- @uses choose/ready_sets
local lease = {}
local LEASE = '<ssdddddddddd'
lease.LEASE = LEASE
local NOT_COMING = -1 -- nothing is expected: the provider charges the output at admission
local FRESH, RENEWED, EXPIRED_LEASE = 0, 1, 2
local TOMB = '<sdd' -- 'ended', or 'never' of a lease that lasts and ended for good; the time of the end, its time in the list `due` or 0
lease.TOMB = TOMB
local TOMB_BYTES, TOMB_US = 22, 30e6
local KEPT_US = 3600e6 -- of a lease that lasts: its tombstone after its end, its record after it has expired
local TICK_US = 1e5 -- deadlines are rounded up to this, so one sweep handles many
local NOTHING_DUE = 9e15

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
  r.held, r.told_count, r.queued_count, r.expects = held, 0, 0, false
end

function lease.put(r, id, record)
  local told, n = r.told, r.told_count
  r.held[id], told[n + 1], told[n + 2], r.told_count = record, id, record, n + 2
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
  if r.told_count > 0 then redis.call('HSET', r.leases, unpack(r.told, 1, r.told_count)) end
  if r.queued_count > 0 then redis.call('RPUSH', r.due, unpack(r.queued, 1, r.queued_count)) end
  if r.expects and now >= p[FRESH_AT] then
    p[FRESH_AT] = now + 60e6
    pool.keep(p, r.state, r.win, r.leases, r.due, r.later)
  end
end

-- A request begins (1) or ends (-1) to count as in flight.
function lease.hold_place(r, k, g, sign)
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
  lease.hold_place(r, k, g, 1)
end

-- Writes a tombstone for an id without a lease. It is kept for a while after `ended`.
function lease.bury(r, id, ended)
  local deadline = lease.deadline_of(ended, TOMB_US)
  lease.put(r, id, struct.pack(TOMB, open_leases.lasts(id) and 'never' or 'ended', ended, deadline))
  expect(r, id, deadline, ended > r.pool[LAST])
end

-- Releases the concurrency of an expired lease, and gives back what it still expected; its charge stays until it ages out.
-- Returns its record, and the time until which that is kept.
local function expire(r, id, record, now)
  local key, group, since, requests, input, output, deadline, _, made, rest, spread, told = struct.unpack(LEASE, record)
  local p, k, g = r.pool, records.key(r, key), records.group(r, group)
  if k and g then
    lease.hold_place(r, k, g, -1)
    if rest ~= NOT_COMING then
      repeat
        if g[RECENT] < math.floor(now / p[SLOT]) then ring.roll(r.win, p, g, math.floor(now / p[SLOT])) end
        quota_group.flow(p, g, now)
        expected.expect_output(r.win, p, g, now, since, told, 0, rest, 0, spread, 0)
        g = records.above(r, g)
      until not g
      rest, spread = 0, 0
    end
  end
  p[LIVE], p[EXPIRED] = p[LIVE] - 1, p[EXPIRED] + 1
  return struct.pack(LEASE, key, group, since, requests, input, output, deadline, EXPIRED_LEASE, made, rest, spread, told),
    now + (open_leases.lasts(id) and KEPT_US or p[WINDOW] + TOMB_US)
end

-- Checks what is due, at most `most` leases of each queue, so that a call's cost is bounded. `sets` holds the
-- ready sets of an indexed pool from index `from` on. `SWEEP_AT` is never later than the first due time, so a
-- call with nothing to sweep needs no command.
function lease.sweep(r, now, most, from, sets)
  local p, leases, due, later = r.pool, r.leases, r.due, r.later
  if now < p[SWEEP_AT] then return end
  local gone, expired, checks, next_at = {}, {}, {}, NOTHING_DUE -- the first three are written in one command each
  local done = {} -- expired here; an id that was used again may stand in both queues

  -- Returns the time of the next check, if there is one.
  local function turn(id, record)
    local at
    if lease.is_tomb(record) then
      local _, ended = struct.unpack(TOMB, record)
      local till = ended + (open_leases.lasts(id) and KEPT_US or TOMB_US)
      if till > now then at = till end
    else
      local key, group, _, _, _, _, deadline, standing = struct.unpack(LEASE, record)
      if standing ~= EXPIRED_LEASE then
        if deadline > now then
          at = deadline
        else
          ready_sets.reopen(r, group, key, from, sets)
          expired[#expired + 1], done[id] = id, true
          expired[#expired + 1], at = expire(r, id, record, now)
        end
      end
    end
    if at then
      checks[#checks + 1], checks[#checks + 2] = at, id
    else
      gone[#gone + 1] = id
    end
    return at
  end

  local ids = redis.call('LRANGE', due, 0, most - 1)
  local known = #ids > 0 and redis.call('HMGET', leases, unpack(ids)) or {}
  local taken = 0
  for n, id in ipairs(ids) do
    local record = known[n]
    if record and not done[id] then
      local _, at, standing
      if lease.is_tomb(record) then
        _, _, at = struct.unpack(TOMB, record)
      else
        _, _, _, _, _, _, at, standing = struct.unpack(LEASE, record)
      end
      if standing ~= RENEWED and standing ~= EXPIRED_LEASE then -- these are in the other queue
        if at > now then
          next_at = at
          break
        end
        turn(id, record)
      end
    end
    taken = taken + 1
  end
  if taken > 0 then redis.call('LTRIM', due, taken, -1) end
  if taken == most then next_at = now end

  ids = redis.call('ZRANGEBYSCORE', later, '-inf', now, 'LIMIT', 0, most)
  known = #ids > 0 and redis.call('HMGET', leases, unpack(ids)) or {}
  local left = {}
  for n, id in ipairs(ids) do
    if not (known[n] and (done[id] or turn(id, known[n]))) then left[#left + 1] = id end
  end
  if #left > 0 then redis.call('ZREM', later, unpack(left)) end
  if #expired > 0 then redis.call('HSET', leases, unpack(expired)) end
  if #checks > 0 then redis.call('ZADD', later, unpack(checks)) end
  local first = redis.call('ZRANGE', later, 0, 0, 'WITHSCORES')
  if first[2] then next_at = math.min(next_at, tonumber(first[2])) end
  if #gone > 0 then redis.call('HDEL', leases, unpack(gone)) end
  p[SWEEP_AT] = next_at
  pool.keep(p, leases, due, later)
  p[FRESH_AT] = 0 -- a queue that is empty now is created again by the next lease, without a TTL
end

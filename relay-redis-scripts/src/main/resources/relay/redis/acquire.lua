-- Picks a key that can carry a request and reserves the request on it, or says when one can.
--
-- KEYS  state      the pool's state: records of the pool, its groups and its keys
--       win        the closed slots of the groups' windows
--       leases     live leases by deadline
--       lease      this lease's record
-- ARGV  id         the lease's id, made by the replica
--       epoch      the pool's epoch as the replica knows it
--       ceiling    latest believable time on the pool's clock in microseconds, 0 if unknown
--       given      a test's clock in microseconds, '' for Redis TIME
--       input      input tokens to reserve
--       output     output tokens to reserve
--       lease_ms   time to the lease's deadline
--       ...        candidates, highest priority first: `k:<key>`, `g:<group>` of each
-- REPLY {1, time, key, group, input, output}   granted
--       {0, time, wait_us, reason, key}        no capacity for wait_us; reason: 0 cooldown,
--                                              1 requests, 2 input, 3 output, 4 input + output, 5 concurrency
--       {-1, time, dimension, limit}           larger than every group's whole limit
--       {-2, time}                             every key is quarantined
--       {-3}                                   unknown pool, group or epoch: configure, then ask again
--       {-4, time}                             this lease has ended already
-- COST  one read of 1 + 2n fields for n candidates, one write of 3; more when a slot closes, a
--       lease expires, or the answer is no
-- @include numbers
-- @include pool
-- @include key
-- @include group
-- @include gate
-- @include lease
local state, win, leases, lease = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, epoch = ARGV[1], number(ARGV[2], 'epoch')
local given, ceiling = clock(ARGV[4], ARGV[3])
local input, output = number(ARGV[5], 'input'), number(ARGV[6], 'output')
local lease_us = number(ARGV[7], 'lease_ms') * 1000

local v = redis.call('HMGET', state, 'pool', unpack(ARGV, 8))
if not v[1] then return { -3 } end
local p = read_pool(v[1])
if p[EPOCH] ~= epoch then return { -3 } end
local count = (#ARGV - 7) / 2
for i = 2, 1 + 2 * count do
  if not v[i] then return { -3 } end
end

local now = pool_time(p, given, ceiling)
local slot = math.floor(now / p[SLOT])
if now >= p[SWEEP_AT] then
  sweep(state, leases, p, now, 16)
  v = redis.call('HMGET', state, 'pool', unpack(ARGV, 8))
end

-- Old slots leave once, for whoever comes next: rolled groups are written back whatever the answer.
local written = {}
local function keep(field, value)
  written[#written + 1] = field
  written[#written + 1] = value
end

local least_loaded = p[STRATEGY] == 1
local best, best_group, best_load, best_flight, best_seq, best_priority
local best_input, best_output
local stopped, impossible, too_large, too_large_limit = 0, 0, 0, 0
for c = 1, count do
  local flight, cool, halted, seq, most, priority = struct.unpack(KEY, v[2 * c])
  if best and priority < best_priority then break end
  local head = v[2 * c + 1]
  local at, recent, group_cool, burst, l_req, l_in, l_out, l_all, u_req, u_in, u_out, d_req, d_in, d_out, d_all =
    struct.unpack(HOT, head)
  if recent < slot then
    local field = ARGV[7 + 2 * c]
    local g = read_group(head)
    roll(win, p, g, string.sub(field, 3), slot)
    v[2 * c + 1] = pack_group(g)
    keep(field, v[2 * c + 1])
    u_req, u_in, u_out = g[USED + 1], g[USED + 2], g[USED + 3]
    -- the same group may stand behind several candidates: they see it rolled, too
    for other = c + 1, count do
      if ARGV[7 + 2 * other] == field then v[2 * other + 1] = v[2 * c + 1] end
    end
  end
  if halted > 0 then
    stopped = stopped + 1
  else
    local want_in, want_out, limit = clamp(input, output, l_in, l_out, l_all)
    if not want_in then
      impossible = impossible + 1
      if limit > too_large_limit then too_large, too_large_limit = want_out, limit end
    elseif cool <= now and group_cool <= now and (most == 0 or flight < most) then
      local passed = now - at
      if passed < 0 then passed = 0 end
      local load = most > 0 and (flight + 1) / most or 0
      if l_req > 0 then
        local x = load_with(1, l_req, u_req, math.max(0, d_req - passed * l_req / p[WINDOW]), burst)
        load = x and math.max(load, x)
      end
      if load and l_in > 0 and want_in > 0 then
        local x = load_with(want_in, l_in, u_in, math.max(0, d_in - passed * l_in / p[WINDOW]), burst)
        load = x and math.max(load, x)
      end
      if load and l_out > 0 and want_out > 0 then
        local x = load_with(want_out, l_out, u_out, math.max(0, d_out - passed * l_out / p[WINDOW]), burst)
        load = x and math.max(load, x)
      end
      if load and l_all > 0 and want_in + want_out > 0 then
        local x = load_with(want_in + want_out, l_all, u_in + u_out, math.max(0, d_all - passed * l_all / p[WINDOW]), burst)
        load = x and math.max(load, x)
      end
      if load then
        local better = not best
        if best then
          if least_loaded and load ~= best_load then
            better = load < best_load
          elseif least_loaded and flight ~= best_flight then
            better = flight < best_flight
          else
            better = seq < best_seq -- longest not chosen
          end
        end
        if better then
          best, best_load, best_flight, best_seq, best_priority = c, load, flight, seq, priority
          best_input, best_output = want_in, want_out
        end
      end
    end
  end
end

if best then
  local key_field, group_field = ARGV[6 + 2 * best], ARGV[7 + 2 * best]
  local key, group = string.sub(key_field, 3), string.sub(group_field, 3)
  local ttl = (2 * lease_us + p[WINDOW]) / 1000
  local record = struct.pack(LEASE, now, slot, 1, best_input, best_output, key, group)
  if redis.call('SET', lease, record, 'NX', 'PX', ttl) then
    local g = read_group(v[2 * best + 1])
    flow(p, g, now)
    charge(g, 1, best_input, best_output)
    g[FLIGHT] = g[FLIGHT] + 1
    local k = read_key(v[2 * best])
    k[K_FLIGHT] = k[K_FLIGHT] + 1
    p[SEQ] = p[SEQ] + 1
    k[K_SEQ] = p[SEQ]
    p[LIVE] = p[LIVE] + 1
    local deadline = now + lease_us
    if deadline < p[SWEEP_AT] then p[SWEEP_AT] = deadline end
    keep(group_field, pack_group(g))
    keep(key_field, pack_key(k))
    redis.call('ZADD', leases, deadline, live_name(id, key, group))
    if p[LIVE] == 1 then redis.call('PEXPIRE', leases, keep_ms(p)) end
    if now >= p[FRESH_AT] then
      p[FRESH_AT] = now + 60e6
      redis.call('PEXPIRE', state, keep_ms(p))
      redis.call('PEXPIRE', leases, keep_ms(p))
    end
    redis.call('HSET', state, 'pool', pack_pool(p), unpack(written))
    return { 1, now, key, group, best_input, best_output }
  end
end

redis.call('HSET', state, 'pool', pack_pool(p), unpack(written))
local held = redis.call('GET', lease)
if held == TOMB then return { -4, now } end
if held then
  local _, _, _, i, o, key, group = struct.unpack(LEASE, held)
  return { 1, now, key, group, i, o }
end
if stopped == count then return { -2, now } end
if stopped + impossible == count then return { -1, now, too_large, too_large_limit } end

-- The earliest time over the keys that could carry it at all.
local opens, reason, opener = math.huge, 0, ''
for c = 1, count do
  local flight, cool, halted, _, most = struct.unpack(KEY, v[2 * c])
  if halted == 0 then
    local g = read_group(v[2 * c + 1])
    local want_in, want_out = clamp(input, output, g[LIMIT + 2], g[LIMIT + 3], g[LIMIT + 4])
    if want_in then
      local at, why = group_opens(win, p, g, string.sub(ARGV[7 + 2 * c], 3), now, 1, want_in, want_out)
      if cool > at then at, why = cool, 0 end
      if most > 0 and flight >= most and at < now + 1e6 then at, why = now + 1e6, 5 end
      if at < opens then opens, reason, opener = at, why, string.sub(ARGV[6 + 2 * c], 3) end
    end
  end
end
return { 0, now, math.max(1, wait(opens, now)), reason, opener }

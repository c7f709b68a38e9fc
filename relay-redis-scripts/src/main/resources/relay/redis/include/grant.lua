-- What acquire does whatever its candidates: reads its arguments, makes leases, writes.
-- @uses numbers, pool, key, group, choice, lease
local SESSION_SECONDS = '3600' -- how long a conversation's account is remembered after its last request

-- `epoch ceiling given lease_ms`
local function call_line(text)
  local epoch, ceiling, given, lease_ms = string.match(text, '^(%d+) (%d+) (%S+) (%d+)$')
  if not epoch then error({ err = 'BADARG a call is `epoch ceiling given lease_ms`' }) end
  local at, most = clock(given, ceiling)
  return bounded(epoch, 'epoch'), most, at, bounded(lease_ms, 'lease_ms') * 1000
end

-- `id input output`
local function request_line(text)
  local id, input, output = string.match(text, '^(%S+) (%d+) (%d+)$')
  if not id then error({ err = 'BADARG a request is `id input output`, whole numbers' }) end
  return id, bounded(input, 'input'), bounded(output, 'output')
end

-- The first of a request's draws: two requests with ids of their own draw independently.
local function seed_of(id) return 1 + tonumber(string.sub(redis.sha1hex(id), 1, 8), 16) % 2147483646 end

-- Makes the lease, unless its id was used before: then nil. The records go to `changed`.
local function grant(state, leases, due, later, session, p, id, key_field, group_field, k, g, now, lease_us, input, output, changed)
  local key, group = string.sub(key_field, 3), string.sub(group_field, 3)
  local deadline = deadline_of(now, lease_us)
  local record = struct.pack(LEASE, key, group, now, 1, input, output, deadline, FRESH)
  if redis.call('HSETNX', leases, id, record) == 0 then return end
  expect(due, later, p, id, deadline)
  changed[key_field], changed[group_field] = take(p, k, g, now, input, output)
  p[LIVE] = p[LIVE] + 1
  freshen(state, leases, due, later, p, now)
  if session then redis.call('SET', session, group_field, 'EX', SESSION_SECONDS) end
  return { 1, key, group, input, output }
end

-- What was granted under this lease's id before, or that it has ended; nil if it is new.
local function held_by(leases, id)
  local held = redis.call('HGET', leases, id)
  if not held then return end
  if is_tomb(held) then return { -4, 0, 0, 0, 0 } end
  local key, group, _, _, input, output = struct.unpack(LEASE, held)
  return { 1, key, group, input, output }
end

local function write_all(state, p, changed)
  local written = {}
  for field, packed in pairs(changed) do
    written[#written + 1] = field
    written[#written + 1] = packed
  end
  redis.call('HSET', state, 'pool', pack_pool(p), unpack(written))
end

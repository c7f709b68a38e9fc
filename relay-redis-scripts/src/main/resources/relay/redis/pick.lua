-- Picks a key for an uncounted request: any that is neither quarantined nor cooling down, of the highest
-- priority that has one. Reserves and writes nothing.
--
-- KEYS  state      the pool's state
-- ARGV  ceiling    latest plausible time on the pool's clock in microseconds, 0 if unknown
--       given      a test's clock in microseconds, - for Redis TIME
--       draw       a random number that selects among the usable keys
--       ...        candidates in pairs, highest priority first: `k:<key>`, `g:<group>`
-- REPLY {1, time, ...} then five values, as acquire for one request:
--         1, key, group, 0, 0                  use this key
--         0, wait_us, 0, key, 0                all are cooling down; this key is usable first
--         -2, 0, 0, 0, 0                       every candidate is quarantined
--       {-3}                                   unknown pool, key or group
-- COST  one read
-- @uses wire/numbers, state/pool, state/pool_key, state/quota_group
local state = KEYS[1]
local given, ceiling = pool.clock(ARGV[2], ARGV[1])
local draw = numbers.number(ARGV[3], 'draw')
local fields = { 'pool' }
for n = 4, #ARGV do fields[n - 2] = ARGV[n] end
local v = redis.call('HMGET', state, unpack(fields))
for n = 1, #fields do
  if not v[n] then return { -3 } end
end
local now = pool.time(pool.read(v[1], KEYS[1]), given, ceiling)
local usable, priority, first, opens = {}, nil, nil, math.huge
for n = 2, #fields, 2 do
  local k = pool_key.read(v[n])
  if k[K_STOPPED] == 0 then
    local at = math.max(k[K_COOL], quota_group.read(v[n + 1], KEYS[1])[COOL])
    if at <= now then
      if priority and k[K_PRIORITY] < priority then break end
      priority = k[K_PRIORITY]
      usable[#usable + 1] = n
    elseif at < opens then
      first, opens = n, at
    end
  end
end
if #usable > 0 then
  local n = usable[draw % #usable + 1]
  return { 1, now, 1, string.sub(fields[n], 3), string.sub(fields[n + 1], 3), 0, 0 }
end
if not first then return { 1, now, -2, 0, 0, 0, 0 } end
return { 1, now, 0, opens - now, 0, string.sub(fields[first], 3), 0 }

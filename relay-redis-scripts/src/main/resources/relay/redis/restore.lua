-- Brings keys and quota groups back into use: ends quarantines and cooldowns.
--
-- KEYS  state      the pool's state
--       quarantine reasons by key
--       ...        all ready sets of an indexed pool
-- ARGV  ...        `k:<key>`, with it its groups `g:<group>`
-- REPLY {n}                                    keys and groups that were out of use
--       {-3}                                   unknown pool, key or group
-- COST  one read and two writes a field
-- @include numbers
-- @include pool
-- @include key
-- @include group
-- @include gate
-- @include choice
-- @include index
local state, quarantine = KEYS[1], KEYS[2]
local v = redis.call('HMGET', state, 'pool', unpack(ARGV))
for n = 1, #ARGV + 1 do
  if not v[n] then return { -3 } end
end
local p, restored = read_pool(v[1]), 0
local last = p[LAST]
for n, field in ipairs(ARGV) do
  if string.sub(field, 1, 2) == 'g:' then
    local g = read_group(v[n + 1])
    if g[COOL] > last then restored = restored + 1 end
    g[COOL], g[STRIKES] = 0, 0
    redis.call('HSET', state, field, pack_group(g))
    reopen(state, p, string.sub(field, 3), nil, 3, KEYS)
  else
    local k = read_key(v[n + 1])
    if k[K_COOL] > last or k[K_STOPPED] > 0 then restored = restored + 1 end
    k[K_COOL], k[K_STOPPED] = 0, 0
    redis.call('HSET', state, field, pack_key(k))
    redis.call('HDEL', quarantine, string.sub(field, 3))
  end
end
return { restored }

-- Takes keys out of use until `restore`. The reasons have no TTL, so they survive the pool's other state.
--
-- KEYS  state      the pool's state
--       quarantine reasons by key
-- ARGV  reason     a few words, without secrets
--       ...        the keys' ids
-- REPLY {n}                                    number of newly quarantined keys
--       {-3}                                   unknown pool or key
-- COST  one read, one write; a read and a write per key
-- @include numbers
-- @include pool
-- @include key
-- @include group
-- @include records
local state, quarantine = KEYS[1], KEYS[2]
local r = open(state)
if not r then return { -3 } end
for n = 2, #ARGV do
  if not key_of(r, ARGV[n]) then return { -3 } end
end
local newly = 0
for n = 2, #ARGV do
  local k = key_of(r, ARGV[n])
  if k[K_STOPPED] == 0 then
    newly = newly + 1
    k[K_STOPPED] = 1
    change(r, k)
    redis.call('HSET', quarantine, ARGV[n], ARGV[1])
  end
end
write(r)
return { newly }

-- Takes keys out of use until `restore`. The reasons outlive everything else: they have no TTL.
--
-- KEYS  state      the pool's state
--       quarantine reasons by key
-- ARGV  reason     why, in a few words, no secrets
--       by         the replica whose credentials the provider refused: another secret ends that, and it is not
--                  believed of one that changed before it; - for any other reason
--       ...        the keys' ids
-- REPLY {n}                                    keys that are newly quarantined
--       {-3}                                   unknown pool or key
-- COST  one read, one write; a read and a write a key
-- @include numbers
-- @include pool
-- @include key
-- @include group
-- @include records
-- @include fleet
local state, quarantine = KEYS[1], KEYS[2]
local r = open(state)
if not r then return { -3 } end
for n = 3, #ARGV do
  if not key_of(r, ARGV[n]) then return { -3 } end
end
local by = ARGV[2] ~= '-' and (read_fleet(r).replicas[ARGV[2]] or { at = 0 })
local newly = 0
for n = 3, #ARGV do
  local k = key_of(r, ARGV[n])
  if k[K_STOPPED] == 0 and not (by and has_old_secret(r, by, ARGV[n])) then
    newly = newly + 1
    k[K_STOPPED] = by and REFUSED or 1
    change(r, k)
    redis.call('HSET', quarantine, ARGV[n], ARGV[1])
  elseif k[K_STOPPED] == REFUSED and not by then
    k[K_STOPPED] = 1 -- what ends the first reason does not end this one
    change(r, k)
    redis.call('HSET', quarantine, ARGV[n], ARGV[1])
  end
end
write(r)
return { newly }

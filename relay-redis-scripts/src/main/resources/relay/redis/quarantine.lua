-- Takes keys out of use until `restore`. The reasons have no TTL, so they survive the pool's other state.
--
-- KEYS  state      the pool's state
--       quarantine reasons by key; `since <key>`: the millisecond at which it began
-- ARGV  given      a test's clock in microseconds, '' for Redis TIME
--       reason     a few words, without secrets
--       by         the calling replica if the provider refused its credentials: `rekey` ends such a quarantine.
--                  Ignored while the replica still has an old secret. + for an operator, whose reason replaces any other.
--                  - for any other reason
--       ...        the keys' ids
-- REPLY {n}                                    number of newly quarantined keys
--       {-3}                                   unknown pool or key
-- COST  one read, one write; a read and two writes per key
-- @uses wire/numbers, state/pool_key, state/records, fleet/members
local state, quarantine = KEYS[1], KEYS[2]
local now, reason, caller = numbers.present_ms(ARGV[1]), ARGV[2], ARGV[3]
local r = records.open(state)
if not r then return { -3 } end
for n = 4, #ARGV do
  if not records.key(r, ARGV[n]) then return { -3 } end
end
local by_operator = caller == '+'
local by = not by_operator and caller ~= '-' and (members.read(r).replicas[caller] or { at = 0 })
local newly = 0
for n = 4, #ARGV do
  local k = records.key(r, ARGV[n])
  local is_new = k[K_STOPPED] == 0 and not (by and members.has_old_secret(r, by, ARGV[n]))
  if is_new then
    newly = newly + 1
    redis.call('HSET', quarantine, 'since ' .. ARGV[n], string.format('%.0f', now))
  end
  -- another reason replaces refused credentials, so that `rekey` does not end it
  if is_new or by_operator or k[K_STOPPED] == REFUSED and not by then
    k[K_STOPPED] = by and REFUSED or 1
    records.change(r, k)
    redis.call('HSET', quarantine, ARGV[n], reason)
  end
end
records.write(r)
return { newly }

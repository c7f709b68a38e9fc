-- Assigns turns to probe quarantined keys: one replica at a time asks the provider whether it accepts a key
-- again. The pauses between turns grow while the provider refuses.
--
-- KEYS  quarantine reasons by key
--       probes     by key, readable: `tries 2 next_ms 1764086400000`
-- ARGV  given      a test's clock in microseconds, '' for Redis TIME
--       first_ms   pause before the first try; doubles with each try, up to 180 times as long, but no longer than half an
--                  hour, or 30 times as long if that is more
--       ...        the keys' ids
-- REPLY {1, turn...}                           the key to probe now, at most one
-- COST  two reads per key, one write when a key is due
-- @uses wire/numbers
local quarantine, probes = KEYS[1], KEYS[2]
local given, first = ARGV[1], numbers.number(ARGV[2], 'first_ms')
local KEEP_MS = 7200000
local longest = math.min(180 * first, math.max(1800000, 30 * first))
local now = numbers.present_ms(given)
local reply = { 1 }
for n = 3, #ARGV do
  local id = ARGV[n]
  if #reply == 1 and redis.call('HEXISTS', quarantine, id) == 1 then
    local tries, next_ms = string.match(redis.call('HGET', probes, id) or '', '^tries (%d+) next_ms (%d+)$')
    tries, next_ms = tonumber(tries), tonumber(next_ms)
    local set
    -- start over if the last quarantine was long ago, or the time is from another clock
    if not tries or next_ms < now - KEEP_MS / 2 or next_ms > now + longest then
      tries, set = 0, now + first
    elseif next_ms <= now then
      tries, set = tries + 1, now + math.min(longest, first * 2 ^ math.min(tries + 1, 10))
      reply[2] = id
    end
    if set then
      redis.call('HSET', probes, id, string.format('tries %.0f next_ms %.0f', tries, set))
      redis.call('PEXPIRE', probes, KEEP_MS)
    end
  end
end
return reply

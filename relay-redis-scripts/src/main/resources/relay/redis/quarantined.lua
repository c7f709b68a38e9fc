-- Tells since when keys are quarantined, and when a replica probes them next.
--
-- KEYS  quarantine reasons by key, and the times at which they began
--       probes     turns to probe, by key
-- ARGV  ...        the keys' ids
-- REPLY {1, ...}                               for each key since_ms, tries, next_ms: 0 if it is unknown, and no probe is due
-- COST  two reads of a few fields
local quarantine, probes = KEYS[1], KEYS[2]
local began = {}
for n, id in ipairs(ARGV) do began[n] = 'since ' .. id end
local since, turns = redis.call('HMGET', quarantine, unpack(began)), redis.call('HMGET', probes, unpack(ARGV))
local reply = { 1 }
for n = 1, #ARGV do
  local tries, next_ms = string.match(turns[n] or '', '^tries (%d+) next_ms (%d+)$')
  reply[#reply + 1] = tonumber(since[n] or 0)
  reply[#reply + 1] = tonumber(tries or 0)
  reply[#reply + 1] = tonumber(next_ms or 0)
end
return reply

-- Adds a replica's increments of clients' usage to the fleet's counts of the last minute, and stores the
-- replica's requests in flight. Never retried: if its reply is lost, it counts once or not at all.
--
-- Usage is kept in slots of 2 s. The slots' keys are reused in turn, so old usage needs no cleanup. In a slot's
-- hash, the field '' holds the slot's number, and each client's field holds `requests input output`.
--
-- KEYS  counting   replicas by the second of their last call
--       running    the calling replica's hash: client -> requests in flight
--       ...        the slots
-- ARGV  given      a test's clock in seconds, - for Redis TIME
--       replica    the calling replica's id
--       lease_ms   how long its counts in flight stay valid without another call
--       ...        for each client, once: name, requests, input tokens, output tokens, in flight
-- REPLY {1, seconds}
-- COST  two reads, and one write each for the slot, the clients in flight and the idle clients
-- @uses wire/numbers
local SLOT_S, FORGOTTEN_S = 2, 60
local counting, running = KEYS[1], KEYS[2]
local now = ARGV[1] == '-' and tonumber(redis.call('TIME')[1]) or numbers.number(ARGV[1], 'given')
local replica, lease_ms = ARGV[2], numbers.number(ARGV[3], 'lease_ms')
local slots = #KEYS - 2
local slot = math.floor(now / SLOT_S)
local used = KEYS[3 + slot % slots]

local names, added, run, ran = {}, {}, {}, {}
for n = 4, #ARGV, 5 do
  local name = ARGV[n]
  local requests, input = numbers.number(ARGV[n + 1], 'requests'), numbers.number(ARGV[n + 2], 'input tokens')
  local output, in_flight = numbers.number(ARGV[n + 3], 'output tokens'), numbers.number(ARGV[n + 4], 'in flight')
  if requests + input + output > 0 then
    names[#names + 1] = name
    added[#added + 1] = { requests, input, output }
  end
  if in_flight > 0 then
    run[#run + 1] = name
    run[#run + 1] = string.format('%.0f', in_flight)
  else
    ran[#ran + 1] = name
  end
end

if #names > 0 then
  local which = string.format('%.0f', slot)
  if redis.call('HGET', used, '') ~= which then redis.call('DEL', used) end
  local writes = { '', which }
  for n, line in ipairs(redis.call('HMGET', used, unpack(names))) do
    local requests, input, output = string.match(line or '', '^(%d+) (%d+) (%d+)$')
    writes[#writes + 1] = names[n]
    writes[#writes + 1] = string.format('%.0f %.0f %.0f', (requests or 0) + added[n][1],
      (input or 0) + added[n][2], (output or 0) + added[n][3])
  end
  redis.call('HSET', used, unpack(writes))
  redis.call('EXPIRE', used, slots * SLOT_S)
end
if #run > 0 then redis.call('HSET', running, unpack(run)) end
if #ran > 0 then redis.call('HDEL', running, unpack(ran)) end
redis.call('PEXPIRE', running, lease_ms)
redis.call('ZADD', counting, now, replica)
redis.call('ZREMRANGEBYSCORE', counting, '-inf', string.format('(%.0f', now - FORGOTTEN_S))
redis.call('EXPIRE', counting, FORGOTTEN_S)
return { 1, now }

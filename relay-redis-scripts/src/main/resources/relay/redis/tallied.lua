-- Returns clients' usage of the last minute and their requests in flight, over all replicas, as kept by
-- `tally`.
--
-- KEYS  counting   replicas by the second of their last call
--       ...        the slots, then each replica's hash of requests in flight
-- ARGV  given      a test's clock in seconds, - for Redis TIME
--       slots      number of KEYS that are slots
--       ...        the clients' names
-- REPLY {1, seconds, {replica...}, for each client requests, input, output, in flight...}
-- COST  one read of all the clients per slot and per replica; writes nothing
-- @uses wire/numbers
local SLOT_S, FORGOTTEN_S = 2, 60
local counting = KEYS[1]
local now = ARGV[1] == '-' and tonumber(redis.call('TIME')[1]) or numbers.number(ARGV[1], 'given')
local slots = numbers.number(ARGV[2], 'slots')
if slots > #KEYS - 1 then error({ err = 'BADARG fewer slots than announced' }) end
local names = { unpack(ARGV, 3) }
local replicas = redis.call('ZRANGEBYSCORE', counting, now - FORGOTTEN_S, '+inf')
local reply = { 1, now, replicas }
for n = 1, 4 * #names do reply[3 + n] = 0 end

-- Ignores a malformed value, from a foreign writer.
local function add(place, digits)
  if digits then reply[place] = reply[place] + digits end
end

local function read(key) return #names > 0 and redis.call('HMGET', key, unpack(names)) or {} end

local slot = math.floor(now / SLOT_S)
for n = 1, slots do
  local age = slot - (tonumber(redis.call('HGET', KEYS[1 + n], '')) or -1)
  if age >= 0 and age < slots then
    for c, line in ipairs(read(KEYS[1 + n])) do
      local requests, input, output = string.match(line or '', '^(%d+) (%d+) (%d+)$')
      add(4 * c, requests)
      add(4 * c + 1, input)
      add(4 * c + 2, output)
    end
  end
end
for n = 2 + slots, #KEYS do
  for c, count in ipairs(read(KEYS[n])) do
    add(4 * c + 3, string.match(count or '', '^%d+$'))
  end
end
return reply

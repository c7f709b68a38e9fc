-- An account refuses a model, or large requests of it, or one client's, while it serves others of the class: only those
-- are to avoid it for a time, and the class goes on.
--
-- KEYS  refused    readable: fields `group TAB least bytes of input TAB model TAB client`, values `until_ms N tries N`; and `version`
-- ARGV  given      a test's clock in microseconds, '' for Redis TIME
--       field      what is refused
--       cool_ms    for how long; 0: 1 s, doubled with each refusal in a row, at most 60 s
-- REPLY {1, left_ms}                           the time that is left; 0 if there is no room for another field
-- COST  one read, two writes; a read of all fields when there are many
-- @uses wire/numbers
local MOST = 256
local FORGET_MS = 600000 -- after its time
local KEEP_MS = 90000000 -- more than the longest time that a provider may state
local refused, given, field, cool = KEYS[1], ARGV[1], ARGV[2], numbers.number(ARGV[3], 'cool_ms')
local now = numbers.present_ms(given)

local function times(text)
  local till, tries = string.match(text or '', '^until_ms (%d+) tries (%d+)$')
  return tonumber(till or 0), tonumber(tries or 0)
end

local text = redis.call('HGET', refused, field)
if not text and redis.call('HLEN', refused) > MOST then
  local stored = redis.call('HGETALL', refused)
  local left = #stored / 2
  for n = 1, #stored, 2 do
    if stored[n] ~= 'version' and times(stored[n + 1]) < now then
      redis.call('HDEL', refused, stored[n])
      left = left - 1
    end
  end
  if left > MOST then return { 1, 0 } end
end
local till, tries = times(text)
if till < now - FORGET_MS then tries = 0 end
if till <= now then -- a refusal of a request that was under way is none in a row
  if cool == 0 then cool = math.min(60000, 1000 * 2 ^ math.min(tries, 6)) end
  tries = math.min(tries + 1, 6)
end
till = math.max(till, now + cool)
redis.call('HSET', refused, field, string.format('until_ms %.0f tries %.0f', till, tries),
  'version', string.format('%.0f', math.max(tonumber(redis.call('HGET', refused, 'version') or 0) + 1, now)))
redis.call('PEXPIRE', refused, KEEP_MS)
return { 1, till - now }

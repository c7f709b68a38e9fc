-- Remembers which account made what the ids name; of an id that is known, the account stays. The newest pins are kept: each of the 16 parts of the map holds
-- between one and two times `most`, and a pin goes between one and two times `half_ms` after it was made.
--
-- KEYS  pins       by part of the map, readable: `half 1 since_ms 1764086400000`, where new pins go
--       ...        the two halves of the map for each id
-- ARGV  account    that made them
--       most       pins in a half
--       half_ms    time in which pins go to one half
--       now_ms     a test's clock in milliseconds, '' for Redis TIME
--       ...        the hashes of the ids
-- REPLY {1}                                    remembered
-- COST  four reads and four writes an id
-- @include numbers
-- @include pins
local pins, account, most, half_ms = KEYS[1], ARGV[1], number(ARGV[2], 'most'), number(ARGV[3], 'half_ms')
local now = ARGV[4] ~= '' and moment(ARGV[4], 'now_ms')
if not now then
  local t = redis.call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end
for n = 5, #ARGV do
  local hash, first = ARGV[n], 2 * n - 8
  local part = string.sub(hash, 1, 1)
  local half, since = string.match(redis.call('HGET', pins, part) or '', '^half ([01]) since_ms (%d+)$')
  local map = KEYS[first + tonumber(half or 0)]
  local owner = pinned(KEYS, first, ARGV, n, n) or account
  local is_full = redis.call('HLEN', map) >= most and redis.call('HEXISTS', map, hash) == 0
  if not since or is_full or now - since >= half_ms then
    half = since and 1 - half or 0
    map = KEYS[first + half]
    redis.call('DEL', map)
    redis.call('HSET', pins, part, string.format('half %.0f since_ms %.0f', half, now))
  end
  redis.call('HSET', map, hash, owner)
  redis.call('PEXPIRE', map, 2 * half_ms)
  redis.call('PEXPIRE', pins, 2 * half_ms)
end
return { 1 }

-- Remembers which account made what the ids name; of an id that is known, the account stays. The newest pins are kept: each
-- pair of each of the 16 parts of the map holds between one and two times its bound, which is `most` for `made` and `more`,
-- and a quarter of it for `records.named`. A client has a quarter of `made`; what it makes beyond that goes to `more`. A pin goes
-- between one and two times `half_ms` after it was made.
--
-- KEYS  pins       by part and pair, readable: `half 1 since_ms 1764086400000`, where new pins go
--       ...        for each id the two hashes of `made`, of `more` and of `records.named`, then those of the counts of `made` by client
-- ARGV  account    that made them
--       client     whose request it was
--       most       pins in a hash
--       half_ms    time in which pins go to one hash
--       now_ms     a test's clock in milliseconds, '' for Redis TIME
--       made       how many of the ids an answer showed; a request named the others
--       ...        the hashes of the ids, those of the answer first
-- REPLY {1}                                    remembered
-- COST  at most twelve reads and four writes an id
-- @uses wire/numbers, state/pin_map
local pins, account, client, most, half_ms = KEYS[1], ARGV[1], ARGV[2], numbers.number(ARGV[3], 'most'), numbers.number(ARGV[4], 'half_ms')
local now = ARGV[5] ~= '' and numbers.moment(ARGV[5], 'now_ms') or math.floor(numbers.server_time() / 1000)
local made = numbers.number(ARGV[6], 'made')
local MADE, MORE, NAMED = 0, 1, 2
local FIELD = { [MADE] = '', [MORE] = ' more', [NAMED] = ' named' }
local quarter = math.ceil(most / 4)

-- `first` is the position of the id's hashes in KEYS.
local function put(first, pair, hash, owner)
  local field = string.sub(hash, 1, 1) .. FIELD[pair]
  local half, since = string.match(redis.call('HGET', pins, field) or '', '^half ([01]) since_ms (%d+)$')
  half = tonumber(half or 0)
  local map = KEYS[first + 2 * pair + half]
  local is_new = redis.call('HEXISTS', map, hash) == 0
  local is_old = not since or now - since >= half_ms
  local used = pair == MADE and is_new and not is_old and tonumber(redis.call('HGET', KEYS[first + 6 + half], client) or 0) or 0
  if used >= quarter then return put(first, MORE, hash, owner) end
  local is_full = is_new and redis.call('HLEN', map) >= (pair == NAMED and quarter or most)
  if is_old or is_full then
    half, is_new, used = since and 1 - half or 0, true, 0
    map = KEYS[first + 2 * pair + half]
    redis.call('DEL', map)
    if pair == MADE then redis.call('DEL', KEYS[first + 6 + half]) end
    redis.call('HSET', pins, field, string.format('half %.0f since_ms %.0f', half, now))
  end
  redis.call('HSET', map, hash, owner)
  redis.call('PEXPIRE', map, 2 * half_ms)
  if pair == MADE and is_new then
    redis.call('HSET', KEYS[first + 6 + half], client, used + 1)
    redis.call('PEXPIRE', KEYS[first + 6 + half], 2 * half_ms)
  end
end

for n = 7, #ARGV do
  local first = 2 + 8 * (n - 7)
  local owner, pair = pin_map.pinned(KEYS, first, ARGV, n, n)
  put(first, n - 6 <= made and MADE or pair or NAMED, ARGV[n], owner or account)
end
redis.call('PEXPIRE', pins, 2 * half_ms)
return { 1 }

-- The last word on each response that runs in the background. The replica that holds the response's lease creates its key. Any
-- replica that sees an answer about the response writes a word there, and the holder reads it.
--
-- KEYS  ...        one for each response, by the hash of its id: `account word`, readable; each has a TTL
-- ARGV  word       `begun`, `running N` with another number each time, or `over` and perhaps its usage; '' only reads
--       account    the account that gave the answer: words of another account are ignored
--       keep_ms    how long Redis keeps the word
-- REPLY {1, word...}                           the last word of each response; '' if no replica holds its lease
-- COST  a read each; a write each when something is told
-- @uses wire/numbers
local word, account, keep = ARGV[1], ARGV[2], numbers.number(ARGV[3], 'keep_ms')
local reply = { 1 }
for n = 1, #KEYS do
  local maker, last = string.match(redis.call('GET', KEYS[n]) or '', '^(%S+) (.+)$')
  local is_news = maker == account and string.sub(last, 1, 4) ~= 'over' -- the end is the last word
  if word == 'begun' or word ~= '' and is_news then
    redis.call('SET', KEYS[n], account .. ' ' .. word, 'PX', keep)
    last = word
  end
  reply[n + 1] = last or ''
end
return reply

-- A short text that all replicas share under a name: the first one that is written holds, until it is replaced, dropped or
-- expired. A secret of the fleet, and what a repeated call was answered.
--
-- KEYS  note       the text; it has a TTL
-- ARGV  text       what to write; for `drop` only this text is dropped, for `read` it is ignored
--       keep_ms    how long Redis keeps it
--       how        `first`: unless there is one; `keep`: likewise, and the one that is there is kept as long; `hold`: as keep, but another one is
--                  left alone; `replace`; `drop`; `read`
-- REPLY {1, text}                              what was there before; '' for nothing
-- COST  one read, one write
-- @uses wire/numbers
local note, text, keep, how = KEYS[1], ARGV[1], numbers.number(ARGV[2], 'keep_ms'), ARGV[3]
local before = redis.call('GET', note) or ''
if how == 'replace' or before == '' and (how == 'first' or how == 'keep' or how == 'hold') then
  redis.call('SET', note, text, 'PX', keep)
elseif how == 'keep' or how == 'hold' and before == text then
  redis.call('PEXPIRE', note, keep)
elseif how == 'drop' and before == text then
  redis.call('DEL', note)
end
return { 1, before }

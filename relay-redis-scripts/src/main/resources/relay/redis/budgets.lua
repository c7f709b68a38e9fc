-- Reads what clients have spent of their budgets. Adds what a replica let pass without Redis, and, after Redis has lost the
-- hash, what replicas knew of it. The first replica to see that almost all of a budget is spent is told to say so.
--
-- KEYS  budgets    a field a budget; the field '': the time at which the hash was made; `about`; and for each budget of which
--                  almost all is spent `warned client usd/month=LIMIT`: the slot in which that was said
-- ARGV  given      a test's clock in microseconds, - for Redis TIME
--       ...        for each client two: `client usd/month=LIMIT ...`, as for acquire_named; and for each of its budgets
--                  ` known more`: what was known to be spent before Redis lost it, 0 if it did not; what to add
-- REPLY {1, time, made, ...}                   for each budget what is spent; the microseconds until its period is over, 0 if
--                                              it is rolling; and 1 if the caller is to say that almost all is spent, else 0
-- COST  two reads, one for each budget of which almost all is spent, a write of what has changed; deletes up to five fields of
--       which nothing is live
-- @uses wire/numbers, budget/ledger, budget/periods
local ALMOST = 0.8
local key, given = KEYS[1], ARGV[1]
local now = given == '-' and numbers.server_time() or numbers.moment(given, 'given')
local function is_running(per, slot)
  local present = periods.slot_at(per, now)
  return slot == present.name or not present.ends and slot + ROLLING >= present.name + 0
end
-- Whether nothing of a field counts any more. The pool's clock, by which it is written, may be ahead of this one.
local function is_over(per, text)
  local s, first = ledger.read({ of = { per = per } }, text, now), string.match(text, '^%S+ %*?([%d-]+):')
  return s.spent == 0 and not (first and (s.ends and first > s.present or not s.ends and first + 0 > s.present + 0))
end
-- Whether almost all of a budget is spent, and nobody has said so in this period.
local function is_to_say(b)
  if b.account.spent < ALMOST * b.limit then return false end
  local field = string.format('warned %s=%.0f', b.field, b.limit)
  local said = redis.call('HGET', key, field)
  if said and is_running(b.per, said) then return false end
  redis.call('HSET', key, field, b.account.present)
  return true
end
local book, lists, told = ledger.book_of(key), {}, {}
for n = 2, #ARGV, 2 do
  local budgets, count = ledger.budgets_of(book, ARGV[n]), 0
  for known, more in string.gmatch(ARGV[n + 1], ' (%d+) (%d+)') do
    count = count + 1
    told[#told + 1] = { budgets[count], numbers.bounded_moment(known, 'known'), numbers.bounded_moment(more, 'more') }
  end
  if count ~= #budgets then error({ err = 'BADARG each budget has what is known of it' }) end
  lists[#lists + 1] = budgets
end
local made = redis.call('HGET', key, '')
if not made then
  made = string.format('%.0f', now)
  redis.call('HSET', key, '', made)
end
ledger.keep(key)
local reply = { 1, now, made }
ledger.open(book, key, lists, now)
for _, part in ipairs(told) do
  local s, known, more = part[1].account, part[2], part[3]
  local before = '*' .. s.present
  local missing = known > 0 and known - (ledger.others(s)[before] or 0) or 0
  if missing > 0 then ledger.spend(s, before, missing) end
  if more > 0 then ledger.spend(s, s.present, more) end
  local at = #reply
  reply[at + 1], reply[at + 2], reply[at + 3] = s.spent, s.ends and s.ends - now or 0, is_to_say(part[1]) and 1 or 0
end
for _, field in ipairs(redis.call('HRANDFIELD', key, 5)) do
  local per, warned = string.match(field, '/([%a-]+)(=?%d*)$')
  local text = per and redis.call('HGET', key, field)
  local over
  if text and warned ~= '' then over = not is_running(per, text)
  elseif text then over = is_over(per, text) end
  if over then redis.call('HDEL', key, field) end
end
ledger.write(book, key) -- last: a call that Redis refuses on its way has counted nothing, and is repeated
return reply

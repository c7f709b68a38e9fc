-- Reads what clients have spent of their budgets. Adds what a replica let pass without Redis, and, after Redis has lost the
-- hash, what replicas knew of it.
--
-- KEYS  budgets    a field a budget, and the field '': the time at which the hash was made
-- ARGV  given      a test's clock in microseconds, - for Redis TIME
--       ...        for each client two: `client usd/month=LIMIT ...`, as for acquire_named; and for each of its budgets
--                  ` known more`: what was known to be spent before Redis lost it, 0 if it did not; what to add
-- REPLY {1, time, made, ...}                   for each budget what is spent, and the microseconds until its period is over, 0 if
--                                              it is rolling
-- COST  two reads, a write of what has changed; deletes up to five fields of which nothing is live
-- @include numbers
-- @include pool
-- @include key
-- @include group
-- @include records
-- @include budget
local key, given = KEYS[1], ARGV[1]
local now
if given == '-' then
  local t = redis.call('TIME')
  now = t[1] * 1e6 + t[2]
else
  now = moment(given, 'given')
end
local made = redis.call('HGET', key, '')
if not made then
  made = string.format('%.0f', now)
  redis.call('HSET', key, '', made)
end
redis.call('EXPIRE', key, BUDGETS_S)
local budgets, told, fields, all = {}, {}, {}, {}
for n = 2, #ARGV, 2 do
  spending.budgets_in(ARGV[n], budgets)
  for known, more in string.gmatch(ARGV[n + 1], ' (%d+) (%d+)') do
    told[#told + 1] = { bounded_moment(known, 'known'), bounded_moment(more, 'more') }
  end
end
if #told ~= #budgets then error({ err = 'BADARG each budget has what is known of it' }) end
local reply = { 1, now, made }
for n, b in ipairs(budgets) do fields[n] = b.field end
local texts = #fields > 0 and redis.call('HMGET', key, unpack(fields)) or {}
for n, b in ipairs(budgets) do
  local s = spending.spent_of(texts[n], b, now)
  local before = '*' .. s.present
  local more = told[n][1] > 0 and told[n][1] - (spending.others(s)[before] or 0) or 0
  if more > 0 then spending.spend(s, before, more) end
  if told[n][2] > 0 then spending.spend(s, s.present, told[n][2]) end
  all[b.field] = s
  reply[#reply + 1], reply[#reply + 2] = s.spent, s.ends and s.ends - now or 0
end
spending.write_budgets(key, all)
for _, field in ipairs(redis.call('HRANDFIELD', key, 5)) do
  local per = string.match(field, '/([%a-]+)$')
  if per and spending.spent_of(redis.call('HGET', key, field), { per = per }, now).spent == 0 then redis.call('HDEL', key, field) end
end
return reply

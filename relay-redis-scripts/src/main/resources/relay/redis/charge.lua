-- Charges usage without a lease in this Redis: requests that a replica admitted on its own during an outage,
-- and requests whose lease was lost by a failover or with the pool's state. One that still runs gets its lease back.
--
-- KEYS  state      the pool's state
--       win        the closed slots of the groups' windows
--       leases     leases by id
--       due        leases by the time of their next check: a list, in order of time
--       later      the same for all other leases: a sorted set
--       budgets    what keys have spent of their budgets
-- ARGV  ceiling    latest plausible time on the pool's clock in microseconds, 0 if unknown
--       given      a test's clock in microseconds, - for Redis TIME
--       id         an id for the charge: it counts once
--       group      the quota group
--       key        the key of a request that still runs, - for none. If Redis knows it no longer, there is no lease
--       lease_ms   lease duration; 0 for none
--       spread_us  time in which its part of each rate was free for it: what flows off in that is no debt beside a window
--       of_day     1 charges the group's day, too; 0 if the use of that day was announced after a loss and includes this
--       dollars    what it spent in billionths of a dollar
--       tokens     what it spent in tokens: of a lease that ended unknown, less than what its group lacks
--       of         the budgets that it is charged to, as for acquire_named; - for none
--       made       charges the budgets only if field '' of their hash says this: a newer hash is told of all usage; - to charge any hash
--       ...        for each time: ago_us, requests, input tokens, output tokens; a lease is of the first of them
-- REPLY {1, time}                              charged
--       {0}                                    this id is a known lease or was charged before
--       {-3}                                   unknown pool or group
-- COST  one to three reads, three writes; one of each for each earlier time; with budgets one or two reads and one write more
-- @uses wire/numbers, state/pool, state/quota_group, state/records, state/ring, state/lease, limits/days
-- @uses limits/late_usage, budget/ledger
local id, group = ARGV[3], ARGV[4]
local given, ceiling = pool.clock(ARGV[2], ARGV[1])
local lease_us, spread = numbers.number(ARGV[6], 'lease_ms') * 1000, numbers.number(ARGV[7], 'spread_us')
local of_day, dollars, tokens = numbers.number(ARGV[8], 'of_day') == 1, numbers.number(ARGV[9], 'dollars'), numbers.number(ARGV[10], 'tokens')
local of, made = ARGV[11], ARGV[12]
local parts = late_usage.read(ARGV, 13)
local r = records.open(KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5])
local g, k = r and records.group(r, group), r and lease_us > 0 and records.key(r, ARGV[5])
if not g then return { -3 } end
local p = r.pool
local now = pool.time(p, given, ceiling)
lease.hold(r, { id }, 1, 1)
if r.held[id] then return { 0 } end
local requests, input, output = 0, 0, 0
for _, part in ipairs(parts) do requests, input, output = requests + part[2], input + part[3], output + part[4] end
if k then
  local request = { id = id, lease_us = lease_us, count = requests, since = now - parts[1][1] }
  lease.begin(r, request, k, g, now, input, output)
else
  lease.bury(r, id, now + p[WINDOW]) -- after that the usage has aged out, and nobody sends it again
end
repeat
  local flown = g[MIRRORED] == 0 and spread / p[WINDOW] or 0 -- of a limit; a bucket's debt is all that bounds it
  ring.roll(r.win, p, g, math.floor(now / p[SLOT]))
  quota_group.flow(p, g, now)
  local costs = { 0, 0, 0, 0 }
  for _, part in ipairs(parts) do
    if late_usage.count(r.win, p, g, math.floor((now - part[1]) / p[SLOT]), part[2], part[3], part[4]) then
      costs = { costs[1] + part[2], costs[2] + part[3], costs[3] + part[4], costs[4] + part[3] + part[4] }
    end
  end
  for d, cost in ipairs(costs) do
    if g[LIMIT + d] > 0 then g[LEVEL + d] = g[LEVEL + d] + math.max(0, cost - g[LIMIT + d] * flown) end
  end
  if of_day and p[DAY] == 1 then days.charge(r, g, now, requests, input + output) end
  records.change(r, g)
  g = records.above(r, g)
until not g
if of ~= '-' and (made == '-' or redis.call('HGET', KEYS[6], '') == made) then
  local book = ledger.book_of(KEYS[6])
  local budgets = ledger.budgets_of(book, of)
  ledger.open(book, KEYS[6], { budgets }, now)
  for _, b in ipairs(budgets) do ledger.spend(b.account, b.account.present, b.usd and dollars or tokens) end
  ledger.write(book, KEYS[6])
end
lease.write(r, now)
records.write(r)
return { 1, now }

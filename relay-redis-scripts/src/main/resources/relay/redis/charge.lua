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
--       requests   requests
--       input      input tokens
--       output     output tokens
--       key        the key of a request that still runs, - for none. If Redis knows it no longer, there is no lease
--       lease_ms   lease duration; 0 for none
--       spread_us  time in which its part of each rate was free for it: what flows off in that is no debt
--       dollars    what it spent in billionths of a dollar
--       of         the budgets that it is charged to, as for acquire_named; - for none
--       made       when the hash of budgets was made, if another hash is told of this charge with all that is known; else -
-- REPLY {1, time}                              charged
--       {0}                                    this id is a known lease or was charged before
--       {-3}                                   unknown pool or group
-- COST  one to three reads, three writes; with budgets one or two reads and one write more
-- @include numbers
-- @include pool
-- @include key
-- @include group
-- @include records
-- @include refund
-- @include coming
-- @include gate
-- @include days
-- @include choice
-- @include index
-- @include lease
-- @include budget
local id, group = ARGV[3], ARGV[4]
local given, ceiling = clock(ARGV[2], ARGV[1])
local requests, input, output = number(ARGV[5], 'requests'), number(ARGV[6], 'input'), number(ARGV[7], 'output')
local lease_us, spread = number(ARGV[9], 'lease_ms') * 1000, number(ARGV[10], 'spread_us')
local dollars, of, made = number(ARGV[11], 'dollars'), ARGV[12], ARGV[13]
local r = open(KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5])
local g, k = r and group_of(r, group), r and lease_us > 0 and key_of(r, ARGV[8])
if not g then return { -3 } end
local p = r.pool
local now = pool_time(p, given, ceiling)
hold_leases(r, { id }, 1, 1)
if r.held[id] then return { 0 } end
if k then
  begin_lease(r, id, k, g, now, lease_us, requests, input, output, nil)
else
  bury(r, id, now + p[WINDOW]) -- after that the usage has aged out, and nobody sends it again
end
repeat
  roll(r.win, p, g, math.floor(now / p[SLOT]))
  flow(p, g, now)
  charge(g, requests, input, output)
  for d, cost in ipairs({ requests, input, output, input + output }) do
    g[LEVEL + d] = g[LEVEL + d] - math.min(cost, g[LIMIT + d] * spread / p[WINDOW])
  end
  if p[DAY] == 1 then days.charge(r, g, now, requests, input + output) end
  change(r, g)
  g = levels.above(r, g)
until not g
if of ~= '-' and (made == '-' or redis.call('HGET', KEYS[6], '') == made) then
  local spent = spending.open_budgets(r, KEYS[6], { of }, now)
  for _, s in pairs(spent) do spending.spend(s, s.present, s.of.usd and dollars or input + output) end
  spending.write_budgets(KEYS[6], spent)
end
write_leases(r, now)
write(r)
return { 1, now }

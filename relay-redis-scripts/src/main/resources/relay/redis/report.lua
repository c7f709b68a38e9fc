-- Reports of what running requests have made, on the keys that they name: their leases are extended as by renew, and what was
-- made beyond the reservation counts at once, in the limits and budgets of the key. So nothing is admitted on what is
-- made already. A report tells sums: one that is repeated, late or lost changes nothing. The settlement takes the rest.
--
-- KEYS  state      the pool's state
--       win        the closed slots of the groups' windows
--       leases     leases by id
--       later      leases by the time of their next check, except new ones
--       budgets    what the keys have spent of their budgets
-- ARGV  ceiling    latest plausible time on the pool's clock in microseconds, 0 if unknown
--       given      a test's clock in microseconds, - for Redis TIME
--       lease_ms   time from now to the new deadline
--       ...        for each lease `id made dollars budgets`: output made so far; what it costs beyond what was reserved, in
--                  billionths of a dollar; and the key's budgets, as for acquire_named, or -. Of a lease that lasts there is its
--                  ttl_ms before the budgets, see renew
-- REPLY {1, time, alive...}                    for each lease 1 if it is live, else 0; 2 if it has made more than it reserved, and a
--                                              budget with ! in its line is spent: the request is to end
--       {-3}                                   unknown pool
-- COST  two reads and three writes; with budgets one of each more
-- @uses wire/numbers, state/pool, state/quota_group, state/records, state/ring, state/lease, state/lease_record, state/open_leases
-- @uses limits/days, budget/ledger
local state, win, leases, later = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local given, ceiling = pool.clock(ARGV[2], ARGV[1])
local lease_us = numbers.number(ARGV[3], 'lease_ms') * 1000
local ids, reported, dollars, lines, ttls = {}, {}, {}, {}, {}
for n = 1, #ARGV - 3 do
  local id, made, cost, line = string.match(ARGV[n + 3], '^(%S+) (%d+) (%d+) (%S.*)$')
  if not id then error({ err = 'BADARG a report is `id made dollars budgets`' }) end
  if open_leases.lasts(id) then
    local ttl
    ttl, line = string.match(line, '^(%d+) (%S.*)$')
    if not ttl then error({ err = 'BADARG a report of a lease that lasts is `id made dollars ttl_ms budgets`' }) end
    ttls[n] = numbers.bounded(ttl, 'ttl_ms') * 1000
  end
  ids[n], reported[n], dollars[n], lines[n] = id, numbers.bounded(made, 'made'), numbers.bounded(cost, 'dollars'), line
end
local r = records.open(state, win, leases)
if not r then return { -3 } end
local p = r.pool
local now = pool.time(p, given, ceiling)
local wanted, slot = lease.deadline_of(now, lease_us), math.floor(now / p[SLOT])
local early = now + 0.75 * lease_us -- a report leaves a later deadline as it is
local held = #ids > 0 and redis.call('HMGET', leases, unpack(ids)) or {}
local book, lists = ledger.book_of(KEYS[5]), {}
for n = 1, #ids do lists[n] = lines[n] == '-' and {} or ledger.budgets_of(book, lines[n]) end
ledger.open(book, KEYS[5], lists, now)

-- Charges output that was made beyond what is charged to a group and those above it.
local function charge_made(g, more)
  repeat
    if g[RECENT] < slot then ring.roll(win, p, g, slot) end
    if g[AT] < now then quota_group.flow(p, g, now) end
    quota_group.charge(g, 0, 0, more)
    if p[DAY] == 1 then days.charge(r, g, now, 0, more) end
    records.change(r, g)
    g = records.above(r, g)
  until not g
end

local reply = { 1, now }
local written, checks = {}, {}
for n = 1, #ids do
  local record, alive = held[n], 0
  if record and not lease.is_tomb(record) then
    local l, ttl = lease.read(record), ttls[n]
    local k, g, deadline = records.key(r, l[L_KEY]), records.group(r, l[L_GROUP]), l[L_DEADLINE]
    if k and g and l[L_REST] == NOT_COMING and not (ttl and deadline <= now) then
      if l[L_STATE] == EXPIRED_LEASE then
        p[LIVE] = p[LIVE] + 1
        lease.count_in_flight(r, k, g, 1)
        l[L_STATE] = RENEWED
      end
      alive = 1
      local output, made, beyond = l[L_OUTPUT], l[L_MADE], l[L_SPREAD] -- dollars beyond the reservation
      local more, cost = math.max(0, reported[n] - math.max(output, made)), math.max(0, dollars[n] - beyond)
      if more > 0 then
        charge_made(g, more)
        l[L_REPORTED_AT] = now -- what is not made after all is given back there
      end
      made, beyond = math.max(made, reported[n]), beyond + cost
      l[L_MADE], l[L_SPREAD] = made, beyond
      for _, b in ipairs(lists[n]) do
        local s = b.account
        ledger.spend(s, s.present, b.usd and cost or more)
        if b.hard and s.spent > b.limit and (b.usd and beyond or made - output) > 0 then alive = 2 end
      end
      if ttl or deadline < early then
        deadline = math.max(deadline, ttl and lease.deadline_of(now, ttl) or wanted)
        l[L_DEADLINE], l[L_STATE] = deadline, RENEWED
        if ttl then open_leases.add(r, ids[n], deadline) end
        checks[#checks + 1], checks[#checks + 2] = deadline, ids[n]
        if deadline < p[SWEEP_AT] then p[SWEEP_AT] = deadline end
      end
      written[#written + 1], written[#written + 2] = ids[n], lease.pack(l)
    end
  end
  reply[2 + n] = alive
end
if #written > 0 then redis.call('HSET', leases, unpack(written)) end
if #checks > 0 then redis.call('ZADD', later, unpack(checks)) end
pool.keep(p, state, leases, later)
ledger.write(book, KEYS[5])
records.write(r)
return reply

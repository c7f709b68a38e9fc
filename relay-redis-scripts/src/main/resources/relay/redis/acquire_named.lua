-- Reserves requests on the keys that they name: a pool of limits, with a key and a group for each client. Like `acquire`
-- otherwise, and tells what is left of each limit. A call may carry requests on different keys.
--
-- KEYS  state      the pool's state
--       win        the closed slots of the groups' windows
--       leases     leases by id
--       due        leases by the time of their next check: a list, in order of time
--       later      the same for all other leases: a sorted set
--       budgets    what the keys have spent of their budgets
--       ...        all ready sets of other replicas' plans, as for settle
-- ARGV  call       `epoch ceiling given lease_ms endings`, as for acquire, then ` requests budgets`: the number of requests,
--                  and 1 if keys have budgets; then costs and requests as for acquire; then, if there are budgets, in
--                  billionths of a dollar ` reserved used` for each lease to end, and ` reserved` for each request
--       ...        the ids of the leases to end; for each request a new lease id, or - to reserve nothing and only ask;
--                  then for each request its candidate: `key group`; `key{} group` in shadow mode; then, if there are
--                  budgets, for each lease to end and each request those of its key: `key usd/month=LIMIT ...`
-- REPLY {1, time, ...} then for each ending one value, as settle; then for each request the five values of acquire, or
--         2, requests, input, output, in flight   for one that only asks: its group's usage
--         -7, budget, wait_us, 0, 0            a budget has no room: its number from 0, and when it has
--                                              after these five, two values for each dimension: what is left of the limit
--                                              (the number of requests, or the tokens of one request), and the
--                                              microseconds until the whole limit is left
--       {-3}                                   unknown pool, key or epoch: configure, then ask again
-- COST  as acquire with one candidate; with budgets one read and one write more
-- @uses wire/numbers, wire/calls, wire/replies, state/pool, state/records, state/ring, state/lease, state/lease_record
-- @uses state/ending, limits/allowance, choose/listed, choose/ready_sets, queue/client_queues, budget/ledger
local call = ARGV[1]
local epoch, ceiling, given, lease_us, endings, at = calls.line(call)
local count, budgeted, next_at = string.match(call, '^ (%d+) ([01])()', at)
if not next_at then error({ err = 'BADARG a call goes on with `requests budgets`' }) end
count, budgeted, at = numbers.bounded(count, 'requests'), budgeted == '1', next_at
local ids = endings + count
if ids == 0 or #ARGV ~= 1 + ids + count + (budgeted and ids or 0) then
  error({ err = 'BADARG there are fewer ids, candidates and budgets than announced' })
end
local costs, requests
if endings > 0 then costs, at = ending.costs_at(call, at, endings) end
requests, at = calls.requests_at(call, at, count, lease_us, ARGV, 2 + endings)
local dollars = {}
if budgeted then
  for n = 1, 2 * endings + count do
    local amount
    amount, at = string.match(call, '^ (%d+)()', at)
    if not at then error({ err = 'BADARG a budget is spent by a whole number' }) end
    dollars[n] = numbers.bounded(amount, 'dollars')
  end
end
numbers.read_to(call, at)

local r = records.open(KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5])
local p = r and r.pool
if not p or p[EPOCH] ~= epoch then return { -3 } end
local lists = {}
for n = 1, count do
  local list = records.named(r, ARGV[1 + ids + n])
  if not list or #list ~= 2 then return { -3 } end
  lists[n] = list
end
local now = pool.time(p, given, ceiling)
ready_sets.hold(r, KEYS, 7)
lease.sweep(r, now, 16)
lease.hold(r, ARGV, 2, 1 + ids)
local budgets, reserved = {}, {} -- of each lease to end, then of each request
local book = budgeted and ledger.book_of(KEYS[6])
if book then
  for n = 1, ids do budgets[n] = ledger.budgets_of(book, ARGV[1 + ids + count + n]) end
  ledger.open(book, KEYS[6], budgets, now)
  for n = 1, endings do
    local record = r.held[ARGV[1 + n]]
    if record and not lease.is_tomb(record) then reserved[n] = record end
  end
end

local reply = { 1, now, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, endings > 0 and 0 or nil }
if endings > 0 then ending.end_all(r, ARGV, 2, costs, now, reply) end
for n, record in pairs(reserved) do
  if reply[2 + n] >= 0 then -- by this call
    local l = lease.read(record)
    local made, beyond = l[L_MADE], l[L_SPREAD]
    if l[L_REST] ~= NOT_COMING then made, beyond = 0, 0 end -- reports have counted output only of the other leases
    for _, b in ipairs(budgets[n]) do
      ledger.settle(b.account, l[L_SINCE], b.usd and dollars[2 * n - 1] + beyond or l[L_INPUT] + math.max(l[L_OUTPUT], made),
        b.usd and dollars[2 * n] or costs[n][2] + costs[n][3])
    end
  end
end
for n, request in ipairs(requests) do
  local list, place = lists[n], 3 + endings + 13 * (n - 1)
  local g = list[2]
  request.reply, request.reply_at = reply, place
  ring.roll(r.win, p, g, math.floor(now / p[SLOT]))
  records.change(r, g)
  if request.id == '-' then
    replies.usage(request, g)
  else
    local again, dollar, over, opens = r.held[request.id], dollars[2 * endings + n], nil, nil
    local mine = not again and budgets[endings + n]
    if mine then over, opens = ledger.over_budget(mine, dollar, request.input + request.output, now) end
    if over and not list.shadow then
      replies.over_budget(request, over, opens)
    else
      request.client = client_queues.ask_of(r, list) or false
      listed.serve(r, list, request, now)
      if mine and replies.is_granted(request) then
        for m = 1, #mine do
          local b = mine[m]
          ledger.spend(b.account, b.account.present, b.usd and dollar or reply[place + 3] + reply[place + 4])
        end
        if over then replies.in_shadow(request, OVER_BUDGET) end
      end
    end
  end
  allowance.tell_left(p, g, now, reply, place + 5)
end
lease.write(r, now)
if book then ledger.write(book, KEYS[6]) end
records.write(r)
return reply

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
-- @uses wire/numbers, wire/calls, wire/reasons, wire/replies, state/pool, state/records, state/ring, state/lease, state/lease_record
-- @uses limits/allowance, choose/acquisition, choose/listed, choose/ready_sets, queue/client_queues, budget/ledger
local a = acquisition.of(ARGV[1], ARGV)
local count, budgeted, next_at = string.match(a.call, '^ (%d+) ([01])()', a.at)
if not next_at then error({ err = 'BADARG a call goes on with `requests budgets`' }) end
count, budgeted, a.at = numbers.bounded(count, 'requests'), budgeted == '1', next_at
local endings = a.endings
local ids = endings + count
if ids == 0 or #ARGV ~= 1 + ids + count + (budgeted and ids or 0) then
  error({ err = 'BADARG there are fewer ids, candidates and budgets than announced' })
end
acquisition.parse(a, 2, count)
local dollars = {}
if budgeted then dollars, a.at = calls.dollars_at(a.call, a.at, 2 * endings + count) end
numbers.read_to(a.call, a.at)

local r, now = acquisition.open(a, KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5])
if not r then return { -3 } end
local p, lists = r.pool, {}
for n = 1, count do
  local list = records.named(r, ARGV[1 + ids + n])
  if not list or #list ~= 2 then return { -3 } end
  lists[n] = list
end
ready_sets.hold(r, KEYS, 7)
acquisition.hold_leases(a)
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
acquisition.end_leases(a, reply)
for n, record in pairs(reserved) do
  if reply[2 + n] >= 0 and not a.costs[n].kept then -- by this call
    local l = lease.read(record)
    local made, beyond = l[L_MADE], l[L_SPREAD]
    if l[L_REST] ~= NOT_COMING then made, beyond = 0, 0 end -- reports have counted output only of the other leases
    for _, b in ipairs(budgets[n]) do
      ledger.settle(b.account, l[L_SINCE], b.usd and dollars[2 * n - 1] + beyond or l[L_INPUT] + math.max(l[L_OUTPUT], made),
        b.usd and dollars[2 * n] or a.costs[n][2] + a.costs[n][3])
    end
  end
end
for n, list in ipairs(lists) do
  local request, g = acquisition.turn(a, n, 13), list[2]
  local place = request.reply_at
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
      request.share = client_queues.share_of(r, list) or false
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
if book then ledger.write(book, KEYS[6]) end
return acquisition.finish(a)

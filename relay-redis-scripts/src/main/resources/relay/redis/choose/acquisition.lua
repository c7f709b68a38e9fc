-- What each acquire does: it parses the call, opens the pool, ends leases, serves requests and writes. A table keeps the call.
-- @uses wire/calls, wire/numbers, state/pool, state/records, state/lease, state/ending, queue/clients
local acquisition = {}

-- The call, in one table for all calls: to make another costs a twentieth of a call. Each call sets every field before it reads it.
local present = {}

-- Parses `epoch ceiling given lease_ms endings`. The rest of the line, from `at` on, depends on the script. `args`: all arguments.
function acquisition.of(call, args)
  local a = present
  a.call, a.args, a.costs, a.lone = call, args, false, false
  a.epoch, a.ceiling, a.given, a.lease_us, a.endings, a.at = calls.line(a.call)
  return a
end

-- Parses the costs of the leases to end, and `count` requests. Their ids are the arguments from `first` on, in this order.
function acquisition.parse(a, first, count)
  local of_requests = first + a.endings
  a.first, a.last = first, of_requests + count - 1
  if count < 0 or a.last > #a.args then error({ err = 'BADARG there are fewer ids than announced' }) end
  if a.endings > 0 then a.costs, a.at = ending.costs_at(a.call, a.at, a.endings) end
  a.requests, a.at = calls.requests_at(a.call, a.at, count, a.lease_us, a.args, of_requests)
end

-- Parses the requests' clients, with which the line ends. `lone`: see queue/clients.
function acquisition.parse_clients(a)
  if a.at <= #a.call then a.lone, a.at = clients.parse(a.call, a.at, a.requests) end
  numbers.read_to(a.call, a.at)
end

-- Opens the pool. Returns its records and the time; nil if the replica must configure it first.
function acquisition.open(a, state, win, leases, due, later)
  local r = records.open(state, win, leases, due, later)
  if not r or r.pool[EPOCH] ~= a.epoch then return end
  a.r, a.now = r, pool.time(r.pool, a.given, a.ceiling)
  return r, a.now
end

-- Ends some leases that expired, and reads those of the call.
function acquisition.hold_leases(a)
  lease.sweep(a.r, a.now, 16)
  lease.hold(a.r, a.args, a.first, a.last)
end

-- Ends the leases of the call. `reply` gets a value for each, then those of the requests.
function acquisition.end_leases(a, reply)
  a.reply = reply
  if a.endings > 0 then ending.end_all(a.r, a.args, a.first, a.costs, a.now, reply) end
end

-- The `n`th request is served next: its values, `size` of them, follow those of the requests before it.
function acquisition.turn(a, n, size, session)
  local request = a.requests[n]
  request.session, request.reply, request.reply_at = session, a.reply, 3 + a.endings + size * (n - 1)
  if a.lone then a.lone.n = n end
  return request
end

-- Writes what changed, and returns the reply.
function acquisition.finish(a)
  lease.write(a.r, a.now)
  records.write(a.r)
  return a.reply
end

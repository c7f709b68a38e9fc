-- Extends the deadlines of leases whose requests still run, and takes reports of the output that they have made. An
-- expired lease stays expired. Reports are cumulative: one that is repeated, late or lost changes nothing in the sum.
--
-- KEYS  state      the pool's state
--       win        the closed slots of the groups' windows
--       leases     leases by id
--       later      leases by the time of their next check, except new ones
--       ...        all ready sets of an indexed pool
-- ARGV  call       `ceiling given lease_ms`: the latest plausible time on the pool's clock in microseconds, 0 if
--                  unknown; a test's clock, - for Redis TIME; time from now to the new deadline; then for each
--                  lease ` made rest spread`: output made so far, output expected still to come, its standard
--                  deviation; or ` -` for a lease without a report
--       ...        the leases' ids
-- REPLY {1, time, alive...}                    for each lease 1 if it is live, else 0
--       {-3}                                   unknown pool
-- COST  two reads and two writes for any number of leases; two more writes for a lease's first renewal, one read and
--       one write when a slot closes
-- @include numbers
-- @include pool
-- @include key
-- @include group
-- @include records
-- @include refund
-- @include coming
-- @include gate
-- @include choice
-- @include index
-- @include lease
-- @include progress
local state, win, leases, later, call = KEYS[1], KEYS[2], KEYS[3], KEYS[4], ARGV[1]
local given, ceiling, lease_us, at = renewal_line(call)
local reports
reports, at = reports_at(call, at, #ARGV - 1)
read_to(call, at)
local r = open(state, win, leases)
if not r then return { -3 } end
local p = r.pool
local now = pool_time(p, given, ceiling)
local wanted = deadline_of(now, lease_us)
local reply = { 1, now }
if #ARGV > 1 then hold_leases(r, ARGV, 2, #ARGV) end
for n = 2, #ARGV do
  local id, alive = ARGV[n], 0
  local record = r.held[id]
  if record and not is_tomb(record) then
    local key, group, since, requests, input, output, deadline, standing, made, rest, spread, told =
      struct.unpack(LEASE, record)
    if standing ~= EXPIRED_LEASE then
      alive = 1
      local report = reports[n - 1]
      if report and rest ~= NOT_COMING and report[1] > made then
        move_on(r, group, since, told, made, rest, spread, report, now, 5, KEYS)
        made, rest, spread, told = report[1], report[2], report[3], now
      end
      deadline = math.max(deadline, wanted)
      put_lease(r, id, struct.pack(LEASE, key, group, since, requests, input, output, deadline, RENEWED, made, rest, spread,
        told))
      -- a sweep before the new deadline enters that in `later`
      if standing == FRESH then redis.call('ZADD', later, deadline, id) end
    end
  end
  reply[n + 1] = alive
end
if #ARGV > 1 and r.told_count > 0 then redis.call('HSET', leases, unpack(r.told, 1, r.told_count)) end
keep(p, state, leases, later)
write(r)
return reply

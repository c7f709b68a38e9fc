-- Reads the state of a pool, and rewrites its readable picture in `keys` when that is stale. Each replica calls
-- it twice a second; the call is also its heartbeat.
--
-- KEYS  state      the pool's state
--       win        the closed slots of the groups' windows
--       leases     leases by id
--       due        leases by the time of their next check: a list, in order of time
--       later      the same for all other leases: a sorted set
--       quarantine reasons by key
--       keys       the readable picture
--       replicas   replicas by the time of their last heartbeat
--       summary    the pool in one readable line, written with the picture
--       learned    limits stated by the provider
--       ...        all ready sets of an indexed pool
-- ARGV  replica    the calling replica's id, '' for an observer
--       ceiling    latest plausible time on the pool's clock in microseconds, 0 if unknown
--       given      a test's clock in microseconds, - for Redis TIME
--       stale_ms   age at which the readable picture is rewritten
--       config     `plan hash since_ms` of the replica, as for configure; - for an observer; `leave` for a
--                  replica's last call
--       groups     number of groups
--       ...        the groups' ids
--       ...        for each key: id, account
-- REPLY {1, time, epoch, replicas, live leases, expired leases, 1 if the picture was rewritten, fleet, groups...,
--         keys...}
--         fleet: {1 if the replica must announce its plan again; for each configuration in use: hash, since_ms,
--                 replicas; ready sets of other plans; ready sets without a plan; for each draining key: id,
--                 account, in flight, cooldown_us, reason of the quarantine or '', max_concurrent, priority, weight}
--         group: {requests, input, output, in flight, cooldown_us, opens_us, limits of requests, input,
--                 output, input + output; the provider's stated limits of these; thousandths of the
--                 burst that the provider is known to admit}; empty if unknown
--         key:   {in flight, cooldown_us of its own or of all its groups, reason of the quarantine or '',
--                 max_concurrent, priority, weight}
--       {-3}                                   unknown pool
-- COST  one read of all records, one write of the changed ones, one of the picture when it is stale
-- @include numbers
-- @include pool
-- @include key
-- @include group
-- @include records
-- @include refund
-- @include coming
-- @include gate
-- @include learned
-- @include choice
-- @include index
-- @include lease
-- @include fleet
-- @include wanted
-- @include standing
local state, win, leases, due, later, quarantine, picture, replicas, summary, learned =
  KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local replica, given, ceiling = ARGV[1], clock(ARGV[3], ARGV[2])
local stale_us, config, groups = number(ARGV[4], 'stale_ms') * 1000, ARGV[5], number(ARGV[6], 'groups')
if groups > #ARGV - 6 then error({ err = 'BADARG fewer groups than announced' }) end
check_standing(config)
local r = open(state, win, leases, due, later)
if not r then return { -3 } end
local p = r.pool
local now = pool_time(p, given, ceiling)
local slot = math.floor(now / p[SLOT])
sweep(r, now, 1400, 11, KEYS)

if config == 'leave' then
  redis.call('ZREM', replicas, replica)
elseif replica ~= '' then
  redis.call('ZADD', replicas, now, replica)
  redis.call('PEXPIRE', replicas, 60000)
end
local alive = redis.call('ZCOUNT', replicas, now - 3e6, '+inf')
p[HEARD] = alive > 0 and (replica ~= '' and config ~= 'leave' and now or p[HEARD]) or 0
redis.call('ZREMRANGEBYSCORE', replicas, '-inf', string.format('(%.0f', now - 60e6))
keep(p, state, leases, due, later)

local fleet = read_fleet(r)
local live, others_draw = take_roll(fleet, replica, config, now, redis.call('ZRANGEBYSCORE', replicas, now - GONE_US, '+inf'))
local mine = others_draw and live[string.match(config, '^%d+')] -- each plan writes the lines of its own keys
local draw = now - (mine and mine.drawn or p[PUBLISHED]) >= stale_us or config == 'leave'
local lines = {}
local frees, soonest = {}, math.huge -- time until a group of the account opens; the minimum over usable keys
local rests = {} -- remaining cooldown of an account: the least of its groups'
local function whole(x) return string.format('%.0f', x) end -- tostring would print 1e+15
local function of(used, limit) return whole(used) .. '/' .. (limit > 0 and whole(limit) or '-') end
local function cool_ms(us) return whole(math.ceil(us / 1000)) end

local reply = { 1, now, p[EPOCH], alive, p[LIVE], p[EXPIRED], draw and 1 or 0,
  fleet_reply(r, fleet, live, replica, config) }
drain(r, fleet, now, picture, draw and lines, reply[8][5], quarantine)
for n = 1, groups do
  local id = ARGV[6 + n]
  local g = group_of(r, id)
  if g then
    if g[RECENT] < slot then
      roll(win, p, g, slot)
      change(r, g)
    end
    local cool = math.max(0, g[COOL] - now)
    local stated = learned_of(redis.call('HGET', learned, id))
    local _, shrunk = burst_of(g[BURST], g[SHRUNK], g[SHRUNK_AT], now)
    local burst = math.floor(1000 * shrunk)
    local opens = group_opens(win, p, g, now, math.huge, 1, clamp(1, 1, g[LIMIT + 2], g[LIMIT + 3], g[LIMIT + 4]))
    reply[8 + n] = { g[USED + 1], g[USED + 2], g[USED + 3], g[FLIGHT], cool, wait(opens, now),
      g[LIMIT + 1], g[LIMIT + 2], g[LIMIT + 3], g[LIMIT + 4], stated[1], stated[2], stated[3], stated[4], burst }
    local account = string.match(id, '^(.*)/[^+]*$') -- a sub-quota does not tell of its account
    if account then
      frees[account] = math.min(frees[account] or math.huge, wait(opens, now))
      rests[account] = math.min(rests[account] or math.huge, cool)
    end
    if draw then
      lines[#lines + 1] = id
      local tpm = g[LIMIT + 4] > 0 and ' tpm ' .. of(g[USED + 2] + g[USED + 3], g[LIMIT + 4]) or ''
      lines[#lines + 1] = 'rpm ' .. of(g[USED + 1], g[LIMIT + 1]) .. ' itpm ' .. of(g[USED + 2], g[LIMIT + 2])
        .. ' otpm ' .. of(g[USED + 3], g[LIMIT + 3]) .. tpm .. ' inflight ' .. whole(g[FLIGHT])
        .. ' cooldown_ms ' .. cool_ms(cool) .. (burst < 1000 and ' burst 0.' .. string.format('%03d', burst) or '')
    end
  else
    reply[8 + n] = {}
  end
end
local at = 8 + groups
for n = 7 + groups, #ARGV, 2 do
  local id, account = ARGV[n], ARGV[n + 1]
  local k = key_of(r, id)
  at = at + 1
  if k then
    local cool = math.max(rests[account] or 0, k[K_COOL] - now)
    local reason = k[K_STOPPED] > 0 and (redis.call('HGET', quarantine, id) or 'unknown') or ''
    if k[K_STOPPED] == 0 and frees[account] then
      local full = k[K_MAX] > 0 and k[K_FLIGHT] >= k[K_MAX] and 1e6 or 0
      soonest = math.min(soonest, math.max(frees[account], cool, full))
    end
    reply[at] = { k[K_FLIGHT], cool, reason, k[K_MAX], k[K_PRIORITY], k[K_WEIGHT] }
    if draw then
      lines[#lines + 1] = id
      lines[#lines + 1] = 'status ' .. (k[K_STOPPED] > 0 and 'quarantined' or cool > 0 and 'cooling' or 'active')
        .. ' inflight ' .. whole(k[K_FLIGHT]) .. ' cooldown_ms ' .. cool_ms(cool) .. ' account ' .. account
    end
  else
    reply[at] = {}
  end
end
if draw and #lines > 0 then
  p[PUBLISHED] = now
  if mine then
    mine.drawn, fleet.changed = now, true
  end
  for n = 1, #lines, 200 do redis.call('HSET', picture, unpack(lines, n, math.min(n + 199, #lines))) end
  redis.call('PEXPIRE', picture, 10000)
  -- a later slice of a large pool has only its own keys: keep the earlier slices' minimum
  local before = stale_us == 0 and tonumber(string.match(redis.call('GET', summary) or '', 'next_capacity_ms (%d+)$'))
  soonest = math.min(soonest, before and before * 1000 or math.huge)
  redis.call('SET', summary, 'replicas ' .. alive .. ' leases ' .. whole(p[LIVE]) .. ' expired ' .. whole(p[EXPIRED])
    .. ' next_capacity_ms ' .. (soonest < math.huge and cool_ms(soonest) or '-'), 'PX', 10000)
end
if fleet.changed then write_fleet(r, fleet) end
write(r)
return reply

-- Reads the state of a pool. Each replica asks twice a second what is new; this call is also its heartbeat. Then it reads
-- the groups and keys that are. One replica of a plan also writes their lines of the readable picture, `keys`.
--
-- KEYS  state      the pool's state
--       win        the closed slots of the groups' windows
--       leases     leases by id
--       due        leases by the time of their next check: a list, in order of time
--       later      the same for all other leases: a sorted set
--       quarantine reasons by key
--       keys       the readable picture
--       replicas   replicas of all versions by the time of their last heartbeat: `replica@form`
--       summary    the pool in one readable line, written with the picture; beside it, `free` instead of `pool`, what is free
--       learned    limits stated by the provider
--       breaker    the provider's breaker
--       refused    models that accounts refuse
--       ...        all ready sets of an indexed pool
-- ARGV  replica    the calling replica's id, '' for an observer
--       ceiling    latest plausible time on the pool's clock in microseconds, 0 if unknown
--       given      a test's clock in microseconds, - for Redis TIME
--       draw       1 to read these groups and keys and to write their lines, 2 to write only, 0 to read only
--       config     `plan hash since_ms` of the replica, as for configure, and every few seconds ` words`, what it tells of
--                  itself, for people to see; - for an observer; `leave` for a replica's last call
--       groups     number of groups
--       news       `born position next_ms shares`: what the last reply of a call that asked for news ended with, 0 0 at
--                  first; the time until the smallest request fits, - for never, ? if nobody
--                  looked, and once a second what is free of each class, `{class}0.250`; 1 if replicas without Redis take a
--                  share, else 0; then a line for each of some answers of the provider: `group granted`, then limits, remainders
--                  and times, as for observe; or - to ask for none
--       ...        the groups' ids
--       ...        for each key: id, account
-- REPLY {1, time, epoch, replicas, live leases, expired leases, 1 if the caller is to draw what is new and 2 if all, fleet,
--         groups..., keys..., news, clients, beside}
--         fleet: {1 if the replica must announce its plan again; for each configuration in use: hash, since_ms,
--                 replicas; ready sets of other plans; ready sets without a plan; for each draining key: id,
--                 account, in flight, cooldown_us, reason of the quarantine or '', max_concurrent, priority, weight; the
--                 replicas of the last ten seconds, separated by blanks; to an observer, and to who tells words, then
--                 a line `replica words` of each, after a line feed}
--         group: {requests, input, output, in flight, cooldown_us, opens_us, limits of requests, input,
--                 output, input + output; the provider's stated limits of these; thousandths of the
--                 burst that the provider is known to admit; output that is expected still to come; 1 if it mirrors
--                 buckets, and why; if the group
--                 has limits a day, those of requests and tokens, and what is used of them}; empty if unknown
--         key:   {in flight, cooldown_us of its own or of all its groups, reason of the quarantine or '',
--                 max_concurrent, priority, weight}
--         news:  {born, position, 1 to read all, 2 to do so every few seconds, else 0; fields of changed records...}, if
--                 asked for
--         clients: {for each model class that was short: {for each client that asked: `client:rank`, weight, requests
--                 that wait, millionths of a limit that it was granted in a window}}, if news is asked for
--         beside: {1 if the breaker is not closed, the version of `refused`, 1 if more leases are due: see `sweep`}, if news is
--                 asked for
--       {-3}                                   unknown pool
-- COST  one read of all records, one write of the changed ones, one of the picture if it draws
-- @uses wire/numbers, state/pool, state/pool_key, state/quota_group, state/records, state/ring, state/lease
-- @uses limits/gate, limits/days, limits/answers, choose/ready_sets, queue/queue_report, queue/client_queues, fleet/members
-- @uses fleet/missing_replicas, fleet/change_log, fleet/survey_plans, fleet/plan_lines
local state, win, leases, due, later, quarantine, picture, replicas, summary, learned, breaker, refused =
  KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10], KEYS[11], KEYS[12]
local replica, given, ceiling = ARGV[1], pool.clock(ARGV[3], ARGV[2])
local draw, config, groups, news = numbers.number(ARGV[4], 'draw'), ARGV[5], numbers.number(ARGV[6], 'groups'), ARGV[7]
local read = draw < 2
draw = draw > 0
if groups > #ARGV - 7 then error({ err = 'BADARG fewer groups than announced' }) end
local born, position, next_ms, shares, told = string.match(news, '^(%d+) (%d+) (%S+) ([01])(.*)$')
if news ~= '-' and not born or born and string.find(told, '^[^\n]') then error({ err = 'BADARG news must be `born position next_ms shares`, or -' }) end
local free
if born then next_ms, free = string.match(next_ms, '^([^{]*)(.*)$') end
position = born and numbers.bounded_moment(position, 'position')
if born and not string.find(next_ms, '^[-?]$') then numbers.number(next_ms, 'next_ms') end
survey_plans.check(config)
local PICTURE_MS, AGAIN_US = 10000, 2e6 -- what is as it was is written again, or extended, so often
local r = records.open(state, win, leases, due, later)
if not r then return { -3 } end
local p = r.pool
local now = pool.time(p, given, ceiling)
local slot = math.floor(now / p[SLOT])
ready_sets.hold(r, KEYS, 13)
local more_due = lease.sweep_most(r, now)

local beats, alive, passed = missing_replicas.beat(p, replicas, state, replica, config == 'leave', now)
if records.is_due(r, 'keep', now, 60e6) then pool.keep(p, state, leases, due, later) end

local fleet = members.read(r)
local was = fleet.replicas[replica]
local plan = string.match(config, '^%d+') or config == 'leave' and was and was.plan
local heard = missing_replicas.own(state, missing_replicas.since(beats, now - GONE_US))
local live = survey_plans.take_roll(fleet, replica, config, now, heard)
if shares == '1' then
  missing_replicas.keep_free(p, replicas, beats, fleet, now)
elseif shares and now >= p[KEPT_UNTIL] then
  p[KEPT], p[SLOWED] = 0, 0
end
if shares then missing_replicas.share(p, state, alive, passed) end
local lines = {}
local rests = {} -- remaining cooldown of an account: the least of its groups'
local whole = numbers.whole_format()
local function of(limit) return limit > 0 and string.format(whole, limit) or '-' end -- tostring would print 1e+15
local function line_of(words) return (string.gsub(words, 'N', '%' .. whole)) end
local USAGE, TPM = line_of('rpm N/%s itpm N/%s otpm N/%s%s%s inflight N cooldown_ms N'), line_of(' tpm N/N')
local STATUS = line_of('status %s inflight N cooldown_ms N account %s')

local reply = { 1, now, p[EPOCH], #alive, p[LIVE], p[EXPIRED], 0, survey_plans.reply(r, fleet, live, replica, config, heard, now) }
local all = false
if born and plan then
  draw, all = survey_plans.take_pen(r, replica, plan, config == 'leave', live, now)
  all = draw and (all or records.is_due(r, 'picture', now, AGAIN_US) and redis.call('PEXPIRE', picture, PICTURE_MS) == 0)
  reply[7] = draw and (all and 2 or 1) or 0
end
local retiring = born and plan and records.text(r, 'retiring')
if retiring then plan_lines.forget_some(r, fleet, picture, now, retiring) end
survey_plans.drain(r, fleet, now, picture, draw and lines, reply[8][5], quarantine)
if born then change_log.pass_time(r, now) end
if told and told ~= '' then answers.apply_all(r, learned, answers.parse(told), now) end
for n = 1, groups do
  local id = ARGV[7 + n]
  local g = records.group(r, id)
  if g then
    if quota_group.may_leave(g, slot) and ring.roll(win, p, g, slot) then records.rewrite(r, g) end
    change_log.watch(r, g, now)
    local cool = math.max(0, g[COOL] - now)
    local _, shrunk = quota_group.burst_of(g[BURST], g[SHRUNK], g[SHRUNK_AT], now)
    local burst = math.floor(1000 * shrunk)
    local d = p[DAY] == 1 and days.of(r, g)
    if read then
      local opens = gate.group_opens(r, g, now, math.huge, gate.clamp(1, 1, g[LIMIT + 2], g[LIMIT + 3], g[LIMIT + 4]))
      if d then opens = days.opens(r, g, now, opens, 0, 1) end
      local stated = answers.known(p, learned, g)
      reply[8 + n] = { g[USED + 1], g[USED + 2], g[USED + 3], g[FLIGHT], cool, gate.wait(opens, now), g[LIMIT + 1], g[LIMIT + 2],
        g[LIMIT + 3], g[LIMIT + 4], stated[1], stated[2], stated[3], stated[4], burst, math.floor(g[COMING]), g[MIRRORED], g.why,
        d and d[D_LIMIT + 1] or nil, d and d[D_LIMIT + 2], d and d[D_USED + 1], d and d[D_USED + 2] }
    elseif d then
      days.roll(r, g, d, now)
    end
    local account = string.match(id, '^(.*)/[^+]*$') -- a sub-quota does not tell of its account
    if account then
      rests[account] = math.min(rests[account] or math.huge, cool)
    end
    if draw then
      lines[#lines + 1] = id
      local tpm = g[LIMIT + 4] > 0 and string.format(TPM, g[USED + 2] + g[USED + 3], g[LIMIT + 4]) or ''
      lines[#lines + 1] = string.format(USAGE, g[USED + 1], of(g[LIMIT + 1]), g[USED + 2], of(g[LIMIT + 2]), g[USED + 3],
        of(g[LIMIT + 3]), tpm, d and days.line(d) or '', g[FLIGHT], math.ceil(cool / 1000))
        .. (burst < 1000 and ' burst 0.' .. string.format('%03d', burst) or '')
        .. (p[BUCKET] == AUTO and g[MIRRORED] > 0 and ' rule token_bucket' or '')
    end
  elseif read then
    reply[8 + n] = {}
  end
end
local at = 8 + groups
for n = 8 + groups, #ARGV, 2 do
  local id, account = ARGV[n], ARGV[n + 1]
  local k = records.key(r, id)
  at = at + 1
  if k then
    local cool = math.max(rests[account] or 0, k[K_COOL] - now)
    local reason = read and k[K_STOPPED] > 0 and (redis.call('HGET', quarantine, id) or 'unknown') or ''
    if read then reply[at] = { k[K_FLIGHT], cool, reason, k[K_MAX], k[K_PRIORITY], k[K_WEIGHT] } end
    if draw then
      lines[#lines + 1] = id
      lines[#lines + 1] = string.format(STATUS,
        k[K_STOPPED] > 0 and 'quarantined' or cool > 0 and 'cooling' or 'active', k[K_FLIGHT], math.ceil(cool / 1000), account)
    end
  elseif read then
    reply[at] = {}
  end
end
for n = 1, #lines, 200 do redis.call('HSET', picture, unpack(lines, n, math.min(n + 199, #lines))) end
if #lines > 0 then redis.call('PEXPIRE', picture, PICTURE_MS) end
if born and draw then
  local words = string.format('replicas %.0f leases %.0f expired %.0f next_capacity_ms %s', #alive, p[LIVE], p[EXPIRED], next_ms)
  if words ~= r.summary or records.is_due(r, 'summary', now, AGAIN_US) then
    redis.call('SET', summary, words, 'PX', PICTURE_MS)
    r.summary = words
  end
  if free ~= '' and (free ~= r.free or records.is_due(r, 'free', now, AGAIN_US)) then
    r.free = free
    local key, classes = string.gsub(summary, ':pool$', ':free'), {}
    for class, share in string.gmatch(free, '{([^}]*)}([01]%.%d+)') do classes[#classes + 1], classes[#classes + 2] = class, share end
    redis.call('DEL', key)
    if #classes > 0 then redis.call('HSET', key, unpack(classes, 1, math.min(#classes, 2000))) end
    redis.call('PEXPIRE', key, PICTURE_MS)
  end
end
client_queues.tidy(r, now)
if fleet.changed then members.write(r, fleet) end
records.write(r)
if born then
  reply[at + 1] = change_log.news_since(r, born, position)
  if all then reply[at + 1][3] = 1 end
  reply[at + 2] = queue_report.standings(r, now)
  reply[at + 3] = { (redis.call('HGET', breaker, 'state') or 'closed') == 'closed' and 0 or 1,
    tonumber(redis.call('HGET', refused, 'version') or 0), more_due and 1 or 0 }
end
return reply

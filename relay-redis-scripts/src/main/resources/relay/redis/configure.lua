-- Announces a pool's shape: its window, strategy, keys and quota groups with their limits. Existing usage,
-- cooldowns, leases and learned limits stay. A replica calls it at start, when its configuration changes, and when a
-- script replies that the pool is unknown. A large pool is announced in parts: an account's groups come with its first key.
--
-- KEYS  state      the pool's state
--       win        the closed slots of the groups' windows
--       quarantine reasons by key
--       keys       the readable picture: rewritten, without what left the pool
--       learned    limits stated by the provider
--       previous   the state of the version before, which may still run
--       next       the state of the version after, which may have run
--       ...        ready sets of an indexed pool: one per priority and model class; then those of other plans
-- ARGV  ceiling    latest plausible time on the pool's clock in microseconds, 0 if unknown
--       given      a test's clock in microseconds, - for Redis TIME
--       known      the epoch under which the replica used this pool, 0 if it never did
--       fresh      a random number: the epoch of a new pool
--       window_ms  the limits' window
--       strategy   1 least_loaded, 2 round_robin, 3 random, 4 weighted
--       bucket     1 if the groups mirror a token bucket, 0 if they enforce a window, 2 if answers decide
--       burst      burst ratio, a decimal in (0, 1]
--       later      0 for the first part; for later parts the first part's `found`
--       groups     number of groups
--       keys       number of keys
--       config     `replica plan hash since_ms last`: the replica, its plan's number, the hash of its
--                  configuration and the time since it has it, 1 for the last part, else 0. `-` for an
--                  observer, which changes nothing that live replicas have announced
--       days       `-`, or the limits a day of these groups: `rolling`, or `time,time,...` at which the calendar's days
--                  begin (see limits/days), the time at which the replica saw their usage, 0 if it never did, then
--                  ` group requests tokens used_requests used_tokens` for each group that has some
--       ...        for each group: id, requests, input, output, input + output (limits, 0 unknown)
--       ...        for each key: id, account, max_concurrent, priority, weight
--       ...        for each candidate of an indexed pool: number of its ready set, key, group,
--                  1 if the group has many keys, else 0
-- REPLY {1, time, epoch, found}                found: 2 if the state was lost, else 1
-- COST  some reads and writes of many fields each, one per candidate; what Redis has already is not written again
--
-- A new pool starts with its full limits. If replicas name an epoch that Redis does not know, the pool's state
-- was lost while in use. Such a pool starts in full debt: its buckets refill at the limits' rate, so usage of a
-- moment ago is not granted twice. Then replicas tell what they used: see recall. A pool that begins, or begins again, beside the
-- state of another version takes over what that used of days, and the limits by and by: see fleet/missing_replicas.
--
-- Replicas may have different plans while a change goes through the fleet. The smaller limit holds then, as long as a live
-- replica wants it; the strategy and the weights of the newest plan do. The replica that takes the last one from a plan
-- has what only that plan had drained and forgotten.
-- @uses wire/numbers, state/pool, state/pool_key, state/quota_group, state/records, state/slot_length
-- @uses limits/bucket_proof, choose/ready_sets, choose/index_plan, fleet/members, fleet/missing_replicas
-- @uses fleet/plan_lines, fleet/day_plans
local state, win, quarantine, picture, learned, previous, next_one = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local given, ceiling = pool.clock(ARGV[2], ARGV[1])
local known, fresh = numbers.number(ARGV[3], 'known'), numbers.number(ARGV[4], 'fresh')
local window_us = numbers.number(ARGV[5], 'window_ms') * 1000
local strategy, bucket = numbers.number(ARGV[6], 'strategy'), numbers.number(ARGV[7], 'bucket')
local burst = string.find(ARGV[8], '^[01]%.?%d*$') and tonumber(ARGV[8])
if not burst or burst <= 0 or burst > 1 then error({ err = 'BADARG burst must lie in (0, 1]' }) end
if window_us == 0 then error({ err = 'BADARG window_ms must be positive' }) end
local later, groups, keys = numbers.number(ARGV[9], 'later'), numbers.number(ARGV[10], 'groups'), numbers.number(ARGV[11], 'keys')
local config, day_rule, day_limits, seen_at = ARGV[12], day_plans.announced(ARGV[13])
local keys_from = 14 + 5 * groups
local rows_from = keys_from + 5 * keys
if rows_from > #ARGV + 1 or (#ARGV + 1 - rows_from) % 4 ~= 0 then
  error({ err = 'BADARG the groups and keys are not as many as announced' })
end
plan_lines.check(ARGV, 14, keys_from, rows_from)
local replica, plan, hash, since_ms, is_last = string.match(config, '^(%S+) (%d+) (%S+) (%d+) ([01])$')
if not replica and config ~= '-' then error({ err = 'BADARG config must be `replica plan hash since_ms last`, or -' }) end
for n = rows_from, #ARGV, 4 do
  if numbers.number(ARGV[n], 'argument ' .. n) > #KEYS - 7 then error({ err = 'BADARG there is no ready set ' .. ARGV[n] }) end
end
-- The slots span a 240th more than the window: requests may reach the provider closer together than we sent them
local function slot_of(us) return math.ceil(us * 241 / 240 / SLOTS) end

local r = records.open(state, win)
local is_new = not r
local lost = later == 2 or later == 0 and known > 0
if not r then
  r = records.records(state, win, { fresh, 0, 0, 0, 0, window_us, slot_of(window_us), strategy, 0, 0, 0, lost and 1 or 0, 0, 0, bucket, 0, 0, 0, 0, 0, 0, 0, 0, 0 })
elseif later == 0 then
  -- a new replica created the pool before one that remembers the old epoch came back
  lost = known > 0 and r.pool[EPOCH] ~= known and r.pool[LOST] == 0
  if lost then r.pool[LOST] = 1 end
end
ready_sets.hold(r, KEYS, 8)
local p = r.pool
-- later parts of a lost pool: groups that are new to Redis, but not to the replica
local forgotten = known > 0 and p[EPOCH] ~= known
local last = is_new and 0 or p[LAST]
local now = pool.time(p, given, ceiling)
if replica and later == 0 then
  local other, used_at = missing_replicas.used_later(p, last, { previous, next_one }, now)
  if other then day_plans.take_over(r, other) end
  if other and used_at > now - window_us then missing_replicas.begin(p) end
end
if lost and later == 0 then p[LOST] = now end -- see recall
local fleet = members.read(r)
local alone, live = true, nil
if replica then
  members.enlist(fleet, replica, plan, hash, since_ms, now, {
    window = window_us, bucket = bucket, burst = burst, strategy = strategy,
  })
  live = members.live_plans(fleet)
  for id in pairs(live) do alone = alone and id == plan end
  window_us, bucket, burst, strategy = members.agreed(live)
else
  for _ in pairs(members.live_plans(fleet)) do alone = false end
end
local rules = replica or alone -- else the plans of live replicas hold, and this adds what they do not know
local slot_us = slot_of(window_us)
local slot = math.floor(now / slot_us)
if rules then
  slot_length.take_shape(r, window_us, slot_us, bucket, now)
  p[STRATEGY] = strategy
  day_plans.adopt(r, day_rule, alone, now)
end
local texts = {} -- fields to write: a command for each would take most of the time
local function put(field, text)
  texts[#texts + 1], texts[#texts + 2] = field, text
end
records.fetch_all(r, plan_lines.fields(ARGV, 'g:', 14, keys_from - 1, r.groups))
local begun, lines = {}, pool.values_of(state, plan_lines.fields(ARGV, 'd:', 14, keys_from - 1))
local stated, proven = plan_lines.answers(p, learned, ARGV, 14, keys_from - 1)
for n = 14, keys_from - 1, 5 do
  local id, place, wanted, line = ARGV[n], (n - 9) / 5, {}, nil
  local g, indebted = r.groups[id], lost
  if rules or not g then
    begun[id] = alone or nil
    for d = 1, 4 do wanted[d] = tonumber(ARGV[n + d]) end
    if replica then line, wanted = plan_lines.of_group(lines[place], live, plan, wanted) end
    if not line or line ~= lines[place] then
      if line then put('d:' .. id, line) end
      put('c:' .. id, struct.pack(quota_group.CONFIGURED, unpack(wanted)))
    end
    local mirrored = bucket_proof.rule(p[BUCKET], proven[place])
    if not g or lost or stated[place] or p[DAY] == 1 or not plan_lines.are_of(g, wanted, burst, mirrored) then
      if not g then
        g, indebted = records.new_group(r, id), lost or forgotten
        g[AT], g[RECENT], g[SHRUNK], g[MIRRORED] = now, slot, 1, mirrored
      end
      slot_length.follow(r, g, mirrored, now, slot)
      plan_lines.give(r, g, wanted, burst, stated[place], indebted, now)
      if rules then day_plans.limit(r, g, live, plan, day_limits[id], (lost or forgotten) and seen_at, now) end
      records.change(r, g)
      if not alone then ready_sets.reopen(r, id) end
    end
  end
end
records.fetch_all(r, plan_lines.fields(ARGV, 'k:', keys_from, rows_from - 1, r.keys))
lines = pool.values_of(state, plan_lines.fields(ARGV, 'e:', keys_from, rows_from - 1))
local reasons = pool.values_of(quarantine, plan_lines.fields(ARGV, '', keys_from, rows_from - 1))
for n = keys_from, rows_from - 1, 5 do
  local id, place = ARGV[n], (n - keys_from) / 5 + 1
  local k = r.keys[id]
  if rules or not k then
    if not k then
      k = records.new_key(r, id)
      k[K_STOPPED] = reasons[place] and 1 or 0
      records.change(r, k)
    end
    local most, priority, weight, line = tonumber(ARGV[n + 2]), tonumber(ARGV[n + 3]), tonumber(ARGV[n + 4]), nil
    if replica then
      line, most, priority, weight = plan_lines.of_key(lines[place], live, plan, ARGV[n + 1], most, priority, weight)
      if line ~= lines[place] then put('e:' .. id, line) end
      fleet.draining[id] = nil
    end
    plan_lines.give_key(r, k, most, priority, weight)
  end
end
for n = 1, #texts, 1000 do redis.call('HSET', state, unpack(texts, n, math.min(n + 999, #texts))) end
local own = index_plan.write_all(r, KEYS, ARGV, rows_from, begun, alone)
if is_new then redis.call('DEL', picture) end
if replica then
  local mine = fleet.plans[plan]
  for name in pairs(own) do members.add_set(fleet, mine, name) end
  if is_last == '1' then
    plan_lines.retire_plans(r, fleet, live, picture, now)
    mine.seen, mine.drawn = table.concat(members.names_of(live), ','), 0
  end
  members.write(r, fleet)
end
records.write(r)
redis.call('PEXPIRE', state, pool.keep_ms(p))
return { 1, now, p[EPOCH], lost and 2 or 1 }

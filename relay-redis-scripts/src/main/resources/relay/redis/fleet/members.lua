-- The live replicas and their plans: readable lines in field `configs` of the state. While a change of the configuration
-- reaches the replicas, they have different plans. A plan applies as long as a live replica has it.
--
--   replica r1 plan 1234 hash a1b2c3d4 since_ms 1764086400000 at 1764086400123456
--   plan 1234 since 1764086400123456 window 60000000 bucket 0 burst 1 strategy 1 drawn 0 seen 1234,99 sets NAME NAME
--   draining acme-1 account acme
--   unused NAME
--
-- replica: `at` is when it last announced another plan or configuration, by the pool's clock.
-- plan: `since` is when it was first announced; `drawn`, so that older versions can read it, when its last part came in, 0
-- after all have;
-- `seen` the plans in the limits since its last part was announced, `-` before that; `sets` its ready sets.
-- draining: a key that no plan has, and that still has leases. unused: a ready set that no live plan has.
-- @uses state/pool, state/records
local members = {}
local GONE_US = 10e6 -- a replica without a heartbeat for so long is removed
local ROLLOUT_US = 300e6 -- by then every replica should have a key's new secret

-- The fleet, from the cache if it holds it: who changes it writes it in the same call.
function members.read(r)
  if r.fleet then return r.fleet end
  local fleet = { replicas = {}, plans = {}, draining = {}, unused = {} }
  local text = records.text(r, 'configs') or ''
  for line in string.gmatch(text, '[^\n]+') do
    local kind, id, rest = string.match(line, '^(%S+) (%S+) ?(.*)$')
    if kind == 'replica' then
      local plan, hash, since_ms, at = string.match(rest, '^plan (%d+) hash (%S+) since_ms (%d+) at (%d+)$')
      fleet.replicas[id] = { plan = plan, hash = hash, since_ms = since_ms, at = tonumber(at) }
    elseif kind == 'plan' then
      local since, window, bucket, burst, strategy, drawn, seen, sets = string.match(rest,
        '^since (%d+) window (%d+) bucket (%d) burst (%S+) strategy (%d) drawn (%d+) seen (%S+) sets ?(.*)$')
      local names = {}
      for name in string.gmatch(sets, '%S+') do names[#names + 1] = name end
      fleet.plans[id] = {
        since = tonumber(since), window = tonumber(window), bucket = tonumber(bucket), burst = tonumber(burst),
        strategy = tonumber(strategy), drawn = tonumber(drawn), seen = seen, sets = names,
      }
    elseif kind == 'draining' then
      fleet.draining[id] = string.match(rest, '^account (%S+)$')
    else
      fleet.unused[id] = true
    end
  end
  r.fleet = fleet
  return fleet
end

function members.names_of(all)
  local names = {}
  for name in pairs(all) do names[#names + 1] = name end
  table.sort(names)
  return names
end

function members.write(r, fleet)
  local lines = {}
  for _, id in ipairs(members.names_of(fleet.replicas)) do
    local m = fleet.replicas[id]
    lines[#lines + 1] = string.format('replica %s plan %s hash %s since_ms %s at %.0f', id, m.plan, m.hash, m.since_ms, m.at)
  end
  for _, id in ipairs(members.names_of(fleet.plans)) do
    local m = fleet.plans[id]
    lines[#lines + 1] = string.format(
      'plan %s since %.0f window %.0f bucket %.0f burst %.6f strategy %.0f drawn %.0f seen %s sets %s', id, m.since, m.window,
      m.bucket, m.burst, m.strategy, m.drawn, m.seen, table.concat(m.sets, ' '))
  end
  for _, key in ipairs(members.names_of(fleet.draining)) do
    lines[#lines + 1] = 'draining ' .. key .. ' account ' .. fleet.draining[key]
  end
  for _, name in ipairs(members.names_of(fleet.unused)) do lines[#lines + 1] = 'unused ' .. name end
  fleet.changed = false
  records.put_text(r, 'configs', table.concat(lines, '\n'))
end

-- Registers a replica's plan.
function members.enlist(fleet, replica, plan, hash, since_ms, now, shape)
  local was = fleet.replicas[replica]
  if not was or was.plan ~= plan or was.hash ~= hash or was.since_ms ~= since_ms then
    fleet.replicas[replica] = { plan = plan, hash = hash, since_ms = since_ms, at = now }
  end
  local known = fleet.plans[plan]
  shape.since, shape.sets, shape.drawn = known and known.since or now, known and known.sets or {}, now
  shape.seen = known and known.seen or '-'
  fleet.plans[plan] = shape
  -- the limits now include this plan's: once it is gone, the other plans must be announced again
  for id, other in pairs(fleet.plans) do
    local seen = ',' .. other.seen .. ','
    if id ~= plan and other.seen ~= '-' and not string.find(seen, ',' .. plan .. ',', 1, true) then
      other.seen = other.seen .. ',' .. plan
    end
  end
end

-- Adds a ready set to a plan.
function members.add_set(fleet, plan, name)
  for _, known in ipairs(plan.sets) do
    if known == name then return end
  end
  plan.sets[#plan.sets + 1] = name
  fleet.unused[name] = nil
end

-- The plans that at least one live replica has.
function members.live_plans(fleet)
  local live = {}
  for _, m in pairs(fleet.replicas) do live[m.plan] = fleet.plans[m.plan] end
  return live
end

-- Whether a plan must be announced again: its last part is missing, or the limits still include a plan that is gone. Not while
-- a replica does so.
function members.is_outdated(plan, live, now)
  if now - plan.drawn < 1e6 then return false end
  if plan.seen == '-' then return true end
  for id in string.gmatch(plan.seen, '%d+') do
    if not live[id] then return true end
  end
  return false
end

-- The pool's window, accounting, burst and strategy. Where plans differ, the strictest value holds: the longest window,
-- the window, else the rule that answers prove, instead of a bucket, the smallest burst. The strategy is that of the newest plan.
function members.agreed(live)
  local window, bucket, burst, newest = 0, 1, 1, nil
  local function stricter(a, b) return a * b == 0 and 0 or math.max(a, b) end -- AUTO is the largest
  for id, plan in pairs(live) do
    window, bucket, burst = math.max(window, plan.window), stricter(bucket, plan.bucket), math.min(burst, plan.burst)
    local mine = newest and live[newest]
    if not mine or plan.since > mine.since or plan.since == mine.since and id > newest then newest = id end
  end
  return window, bucket, burst, newest and live[newest].strategy
end

-- When the first replica registered a key's new secret, by the pool's clock: field `n:<key>`. 0 if that is longer ago
-- than a rollout.
function members.rekeyed_at(r, key)
  local at = tonumber(redis.call('HGET', r.state, 'n:' .. key) or 0)
  return r.pool[LAST] - at < ROLLOUT_US and at or 0
end

-- Whether a replica has not registered a key's new secret yet.
function members.has_old_secret(r, replica, key) return replica.at < members.rekeyed_at(r, key) end

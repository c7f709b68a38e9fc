-- The settings of each group and key in each live plan: fields `d:<group>` and `e:<key>` of the state, one line per plan.
-- The smallest limit holds. A limit of 0 (none) does not count, so a limit that only one plan has holds, too.
--
--   d:acme/default    1234 50 30000 8000 0          plan, limits of requests, input, output, input + output
--   e:acme-1          1234 acme 0 1 1               plan, account, max_concurrent, priority, weight
-- @uses wire/numbers, state/pool, state/pool_key, state/quota_group, state/records, state/ring, limits/days
-- @uses limits/learned_limits
local plan_lines = {}
local FIELDS_AT_ONCE = 2000 -- some 2 ms
local IDLE_US = 3600e6 -- a group that no plan has is kept so long after its last use

-- The lines of a field that belong to other live plans.
function plan_lines.others(text, live, plan)
  local kept = {}
  for line in string.gmatch(text or '', '[^\n]+') do
    local id = string.match(line, '^%d+')
    if live[id] and id ~= plan then kept[#kept + 1] = line end
  end
  return kept
end

function plan_lines.smaller(a, b)
  if a == 0 or b == 0 then return math.max(a, b) end
  return math.min(a, b)
end


-- A plan's limits for a group, whose field holds `text`. Returns the field's new text and the limits that hold: the smallest of
-- all live plans.
function plan_lines.of_group(text, live, plan, limits)
  local line = string.format('%s %.0f %.0f %.0f %.0f', plan, unpack(limits))
  if text == line then return text, limits end
  local lines, wanted = plan_lines.others(text, live, plan), { unpack(limits) }
  for _, other in ipairs(lines) do
    local d = 0
    for digits in string.gmatch(other, ' (%d+)') do
      d = d + 1
      wanted[d] = plan_lines.smaller(wanted[d], tonumber(digits))
    end
  end
  lines[#lines + 1] = line
  return table.concat(lines, '\n'), wanted
end

-- A plan's settings for a key, whose field holds `text`. Returns the field's new text and the settings that hold: the smallest
-- maximum of leases, and priority and weight of the newest plan that has the key.
function plan_lines.of_key(text, live, plan, account, most, priority, weight)
  local line = string.format('%s %s %.0f %.0f %.0f', plan, account, most, priority, weight)
  if text == line then return text, most, priority, weight end
  local lines, newest = plan_lines.others(text, live, plan), plan
  for _, other in ipairs(lines) do
    local id, n, p, w = string.match(other, '^(%d+) %S+ (%d+) (%d+) (%d+)$')
    most = plan_lines.smaller(most, tonumber(n))
    if live[id].since > live[newest].since or live[id].since == live[newest].since and id > newest then
      newest, priority, weight = id, tonumber(p), tonumber(w)
    end
  end
  lines[#lines + 1] = line
  return table.concat(lines, '\n'), most, priority, weight
end

-- The names `prefix .. id` for each fifth of these arguments, the ids; without those in `except`.
function plan_lines.fields(args, prefix, from, to, except)
  local names = {}
  for n = from, to, 5 do
    if not (except and except[args[n]]) then names[#names + 1] = prefix .. args[n] end
  end
  return names
end

-- Refuses what is no number of these arguments: those after a group's id, and those after a key's id and account.
function plan_lines.check(args, groups_from, keys_from, rows_from)
  for n = groups_from, rows_from - 1 do
    local is_number = n < keys_from and (n - groups_from) % 5 > 0 or n >= keys_from and (n - keys_from) % 5 > 1
    local is_plain = #args[n] < 13 and string.find(args[n], '^%d+$') -- thousands of them: cheaper than `numbers.number`
    if is_number and not is_plain then numbers.number(args[n], 'argument ' .. n) end
  end
end

-- What answers told of the groups that these arguments name: their limits, and beside `auto` their rules.
function plan_lines.answers(p, learned, args, from, to)
  local proven = p[BUCKET] == AUTO and pool.values_of(learned, plan_lines.fields(args, 'rule ', from, to))
  return pool.values_of(learned, plan_lines.fields(args, '', from, to)), proven or {}
end

-- Whether a group has these limits, this burst and this rule.
function plan_lines.are_of(g, limits, burst, mirrored)
  return g[BURST] == burst and g[MIRRORED] == mirrored and g[LIMIT + 1] == limits[1] and g[LIMIT + 2] == limits[2] and g[LIMIT + 3] == limits[3]
    and g[LIMIT + 4] == limits[4]
end

-- Gives a group limits and a burst. `line` is what the provider stated of it. If it is indebted, its buckets are empty.
function plan_lines.give(r, g, limits, burst, line, indebted, now)
  g[BURST] = burst
  local stated, seen = learned_limits.of(line)
  for d = 1, 4 do
    quota_group.limit(g, d, learned_limits.effective(limits[d], stated[d]))
    if indebted then g[LEVEL + d] = math.max(g[LEVEL + d], burst * g[LIMIT + d]) end
  end
  local admitted = learned_limits.admitted(learned_limits.least_share(stated, seen, r.pool, g), g, burst)
  local _, shrunk = quota_group.burst_of(burst, g[SHRUNK], g[SHRUNK_AT], now)
  if admitted < shrunk then g[SHRUNK], g[SHRUNK_AT] = admitted, now end
end

-- Gives a key its settings.
function plan_lines.give_key(r, k, most, priority, weight)
  if k[K_MAX] == most and k[K_PRIORITY] == priority and k[K_WEIGHT] == weight then return end
  k[K_MAX], k[K_PRIORITY], k[K_WEIGHT] = most, priority, weight
  records.change(r, k)
end

-- Deletes a key that no plan has, unless it has leases or a cooldown.
function plan_lines.forget_key(r, key, now)
  local k = records.key(r, key)
  if k and (k[K_FLIGHT] > 0 or k[K_COOL] > now) then return end
  if k then records.drop(r, k) end
  redis.call('HDEL', r.state, 'k:' .. key, 'e:' .. key, 'q:' .. key, 'n:' .. key)
end

local function forget_group(r, group, now)
  local g = records.group(r, group)
  if g then
    if g[FLIGHT] > 0 or g[COOL] > now or g[AT] > now - math.max(IDLE_US, 2 * r.pool[WINDOW]) then return end
    local d = r.pool[DAY] == 1 and days.of(r, g)
    if d then
      days.roll(r, g, d, now)
      if d[D_USED + 1] > 0 or d[D_USED + 2] > 0 then return end
      records.drop(r, d)
    end
    ring.roll(r.win, r.pool, g, math.floor(now / r.pool[SLOT]))
    records.drop(r, g)
  end
  redis.call('HDEL', r.state, 'g:' .. group, 'c:' .. group, 'd:' .. group, 'm:' .. group, 'day:' .. group, 'slots:' .. group,
    'daylimits:' .. group)
end

-- Goes on to delete what no plan has. Keys with leases become draining, others are deleted; groups are deleted once they
-- are idle. Both leave the readable picture at once. Looks at some fields of the state only, for a large pool has 100,000:
-- field `retiring` says where the next heartbeat goes on.
function plan_lines.forget_some(r, fleet, picture, now, cursor)
  local page = redis.call('HSCAN', r.state, cursor, 'MATCH', '[de]:*', 'COUNT', FIELDS_AT_ONCE)
  for n = 1, #page[2], 2 do
    local kind, name, text = string.sub(page[2][n], 1, 2), string.sub(page[2][n], 3), page[2][n + 1]
    if #plan_lines.others(text, fleet.plans, '') == 0 then
      redis.call('HDEL', picture, name)
      if kind == 'd:' then
        forget_group(r, name, now)
      else
        local k, account = records.key(r, name), string.match(text, '^%d+ (%S+)')
        if k and k[K_FLIGHT] > 0 then fleet.draining[name], fleet.changed = account, true end
        plan_lines.forget_key(r, name, now)
      end
    end
  end
  if page[1] == '0' then
    records.put_text(r, 'retiring', false)
  else
    records.put_text(r, 'retiring', page[1])
  end
end

-- Deletes plans that no live replica has, and begins to delete what only they had.
function plan_lines.retire_plans(r, fleet, live, picture, now)
  local dead = false
  for id, plan in pairs(fleet.plans) do
    if not live[id] then
      dead = true
      for _, name in ipairs(plan.sets) do fleet.unused[name] = true end
      fleet.plans[id] = nil
      records.put_text(r, 'drawer:' .. id, false)
    end
  end
  if not dead then return end
  for _, plan in pairs(live) do
    for _, name in ipairs(plan.sets) do fleet.unused[name] = nil end
  end
  plan_lines.forget_some(r, fleet, picture, now, '0')
end

-- The limits a day of each live plan: fields `daylimits:<group>` of the state, one line per plan, as for the other limits.
-- Where plans differ, days begin as the plan that was announced last says.
--
--   daylimits:acme/default    1234 1000 0           plan, limits of requests, tokens
-- @uses wire/numbers, state/pool, state/records, limits/days, fleet/plan_lines
local day_plans = {}

-- Parses `-`, or `rolling` or `time,time,...`, the time at which usage was seen, then ` group requests tokens used_requests
-- used_tokens` for each group with limits a day. Returns when days begin, nil if there are no such limits, then limits and
-- usage by group, and that time.
function day_plans.announced(text)
  if text == '-' then return nil, {} end
  local rule, seen_at, at = string.match(text, '^([%d,]+) (%d+)()')
  if not rule then rule, seen_at, at = string.match(text, '^(rolling) (%d+)()') end
  local groups = {}
  while at and at <= #text do
    local group, requests, tokens, used, used_tokens, next_at =
      string.match(text, '^ (%S+) (%d+) (%d+) (%d+) (%d+)()', at)
    at = next_at
    if at then
      groups[group] = { numbers.bounded(requests, 'limit'), numbers.bounded(tokens, 'limit'), numbers.bounded_moment(used, 'usage'),
        numbers.bounded_moment(used_tokens, 'usage') }
    end
  end
  if not at then
    error({ err = 'BADARG limits a day are `-`, or `rolling` or `time,...`, a time, and `group limits usage` for each' })
  end
  for time in string.gmatch(rule, '%d+') do numbers.moment(time, 'time') end
  return rule, groups, numbers.moment(seen_at, 'seen_at')
end

-- Days begin as this says from now on. What was used counts in the present day, or as used just now.
function day_plans.adopt(r, rule, alone, now)
  local had = redis.call('HGET', r.state, 'day')
  if not rule then
    if alone then r.pool[DAY] = 0 end
    return
  end
  r.pool[DAY] = 1
  if rule == had then return end
  local used = {}
  for _, field in ipairs(had and redis.call('HKEYS', r.state) or {}) do
    local g = string.sub(field, 1, 4) == 'day:' and records.group(r, string.sub(field, 5))
    if g and days.of(r, g) then
      days.roll(r, g, days.of(r, g), now)
      used[#used + 1] = g
    end
  end
  redis.call('HSET', r.state, 'day', rule)
  r.starts = nil
  local from, ends = days.period(r, now)
  for _, g in ipairs(used) do
    local d = days.of(r, g)
    redis.call('HDEL', r.state, 'slots:' .. g.id)
    d[D_NOW + 1], d[D_NOW + 2], d[D_FROM], d[D_ENDS] = d[D_USED + 1], d[D_USED + 2], from, ends
    records.rewrite(r, d)
  end
end

-- Takes over what another version counted in its state. Its records of days have the same form.
function day_plans.take_over(r, state)
  for _, field in ipairs(redis.call('HKEYS', state)) do
    if field == 'day' or string.find(field, '^day:') or string.find(field, '^slots:') then
      redis.call('HSET', r.state, field, redis.call('HGET', state, field))
    end
  end
  for _, g in pairs(r.groups) do g.day = nil end
  r.starts = nil
end

-- What a replica saw used before the pool's state was lost counts again, if the day that it saw is not over.
local function recall(r, d, seen, seen_at, now)
  if now - seen_at > A_DAY_US or #days.starts(r) > 0 and seen_at < d[D_FROM] then return end
  for n = 1, 2 do
    local more = math.max(0, seen[2 + n] - d[D_USED + n])
    d[D_USED + n], d[D_NOW + n] = d[D_USED + n] + more, d[D_NOW + n] + more
  end
end

-- Writes a plan's limits a day for a group. The smallest of all live plans holds. `seen_at` is nil unless the state was lost.
function day_plans.limit(r, g, live, plan, limits, seen_at, now)
  if r.pool[DAY] == 0 then return end
  local wanted = limits or { 0, 0 }
  if plan then
    local field = 'daylimits:' .. g.id
    local lines = plan_lines.others(redis.call('HGET', r.state, field), live, plan)
    for _, line in ipairs(lines) do
      local requests, tokens = string.match(line, ' (%d+) (%d+)$')
      wanted = { plan_lines.smaller(wanted[1], tonumber(requests)), plan_lines.smaller(wanted[2], tonumber(tokens)) }
    end
    if limits then lines[#lines + 1] = string.format('%s %.0f %.0f', plan, limits[1], limits[2]) end
    redis.call('HSET', r.state, field, table.concat(lines, '\n'))
  end
  local d = days.of(r, g)
  if not d then
    if wanted[1] == 0 and wanted[2] == 0 then return end
    d = days.hold(g, { 0, 0, 0, 0, 0, 0, 0, 0 })
  end
  days.roll(r, g, d, now)
  d[D_LIMIT + 1], d[D_LIMIT + 2] = wanted[1], wanted[2]
  if seen_at and limits then recall(r, d, limits, seen_at, now) end
  records.rewrite(r, d)
end

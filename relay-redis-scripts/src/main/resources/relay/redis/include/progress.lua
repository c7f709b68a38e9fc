-- Reports of the output that running requests have made.
-- @uses numbers, pool, key, group, records, refund, coming, index

-- Parses `ceiling given lease_ms`; the last result is the position of the rest.
local function renewal_line(line)
  local ceiling, given, lease_ms, at = string.match(line, '^(%d+) (%S+) (%d+)()')
  if not at then error({ err = 'BADARG a call begins with `ceiling given lease_ms`' }) end
  local time, most = clock_of(given, ceiling)
  return time, most, bounded(lease_ms, 'lease_ms') * 1000, at
end

-- Parses the reports of `count` leases, ` made rest spread` or ` -` for each; the last result is the position of the rest.
local function reports_at(line, at, count)
  local reports = {}
  for n = 1, count do
    local none = string.match(line, '^ %-()', at)
    if none then
      at = none
    else
      local made, rest, spread, next_at = string.match(line, '^ (%d+) (%d+) (%d+)()', at)
      if not next_at then error({ err = 'BADARG a report is `made rest spread`, whole numbers, or -' }) end
      reports[n], at = { bounded(made, 'made'), bounded(rest, 'rest'), bounded(spread, 'spread') }, next_at
    end
  end
  return reports, at
end

-- Counts a lease's report in its group. Less may be expected than before: then the group's candidates are ready again.
local function move_on(r, group, since, told, made, rest, spread, report, now, from, sets)
  local p, g = r.pool, group_of(r, group)
  if not g then return end
  roll(r.win, p, g, math.floor(now / p[SLOT]))
  flow(p, g, now)
  expect_output(r.win, p, g, now, since, told, report[1] - made, rest, report[2], spread, report[3])
  change(r, g)
  reopen(r, group, nil, from, sets)
end

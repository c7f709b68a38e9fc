-- Reports of the output that running requests have made.
-- @uses pool, group, records, refund, coming, index

-- Counts a lease's report in its group: `newly` was made, and `rest` is expected instead of `had`. Less may be expected
-- than before: then the group's candidates are ready again.
local function move_on(r, g, group, since, told, newly, had, rest, had_spread, spread, now, from, sets)
  local p = r.pool
  repeat
    local slot = math.floor(now / p[SLOT])
    if g[RECENT] < slot then roll(r.win, p, g, slot) end
    flow(p, g, now)
    expect_output(r.win, p, g, now, since, told, newly, had, rest, had_spread, spread)
    change(r, g)
    g = g.above and levels.above(r, g)
  until not g
  if sets[from] then reopen(r, group, nil, from, sets) end
end

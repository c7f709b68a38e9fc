-- Reports of the output that running requests have made.
-- @uses pool, group, ring, foreign, records, refund, coming

-- Counts a lease's report in its group and those above: `newly` was made, and `rest` is expected instead of `had`.
local function move_on(r, g, now, slot, since, told, newly, had, rest, had_spread, spread)
  local p = r.pool
  repeat
    if g[RECENT] < slot then roll(r.win, p, g, slot) end
    if g[AT] < now then flow(p, g, now) end
    local new = foreign_use.new_of(p, g, newly, had, rest, told, now)
    expect_output(r.win, p, g, now, since, told, new, had, rest, had_spread, spread)
    if not (g.changed and g.news) then change(r, g) end
    g = g.above and levels.above(r, g)
  until not g
end

-- Reports of the output that running requests have made.
-- @uses state/quota_group, state/records, state/ring, limits/expected, limits/foreign_use
local output_reports = {}

-- Counts a lease's report in its group and those above: `newly` was made, and `rest` is expected instead of `had`.
function output_reports.move_on(r, g, now, slot, since, told, newly, had, rest, had_spread, spread)
  local p = r.pool
  repeat
    if g[RECENT] < slot then ring.roll(r.win, p, g, slot) end
    if g[AT] < now then quota_group.flow(p, g, now) end
    local new = foreign_use.new_of(p, g, newly, had, rest, told, now)
    expected.expect_output(r.win, p, g, now, since, told, new, had, rest, had_spread, spread)
    if not (g.changed and g.news) then records.change(r, g) end
    g = g.above and records.above(r, g)
  until not g
end

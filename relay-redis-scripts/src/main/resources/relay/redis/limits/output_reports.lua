-- Reports of the output that running requests have made.
-- @uses state/pool, state/quota_group, state/records, state/lease_record, state/ring, limits/expected, limits/foreign_use
local output_reports = {}

-- Counts a lease's report in its group and those above: output was `made`, and `more` than before is expected, or less, with a
-- variance that is more by this.
function output_reports.count(r, g, l, now, made, more, variance)
  local p, since, reported_at = r.pool, l[L_SINCE], l[L_REPORTED_AT]
  local slot = math.floor(now / p[SLOT])
  repeat
    if g[RECENT] < slot then ring.roll(r.win, p, g, slot) end
    if g[AT] < now then quota_group.flow(p, g, now) end
    local new = foreign_use.new_of(p, g, made, more, reported_at, now)
    expected.count_made(r, g, since, reported_at, new, now)
    expected.expect(g, more, variance, new)
    if not (g.changed and g.news) then records.change(r, g) end
    g = g.above and records.above(r, g)
  until not g
end

-- Output whose amount is unknown at admission. A lease expects the mean. Reports and the settlement move that into the window as it
-- is made. So a group counts two amounts: what was made in this window, and what is expected within the next. Output that is made
-- later than that meets nothing of this window, so it does not count yet.
-- @uses state/pool, state/quota_group, limits/refund
local expected = {}
local MOST_STRICT = 2 -- standard deviations

-- What the window will hold once all of this is made: `used`, `cost`, and what is to come already. `later` is the part of
-- the cost that is made over time. Meanwhile a share of what is used leaves the window.
function expected.full_with(g, d, used, cost, later)
  if d <= 2 then return used + cost end
  local rest = g[COMING] + later - used * math.min(1, g[LEAVES])
  return used + (cost - later) + (rest > 0 and rest or 0)
end

-- What is kept free in a dimension, because more may come than is expected.
function expected.margin(g, d)
  return d >= 3 and g[STRICT] > 0 and g[COMING] > 0 and g[STRICT] * math.sqrt(g[VARIANCE]) or 0
end

-- A group's usage with the share of each limit that a request must leave to others: that counts as used.
function expected.used_with_left(g, left)
  local l1, l2, l3, l4, u1, u2, u3 = unpack(g, LIMIT + 1, USED + 3)
  return u1 + left * l1, u2 + left * math.max(l2, l3 == 0 and l4 or 0), u3 + left * l3
end

-- Counts output that was made since `reported_at`, of a lease that was granted at `since`; negative if less was made than reported.
-- `ring.roll` and `quota_group.flow` must have run up to `now`.
function expected.count_made(r, g, since, reported_at, made, now)
  if made > 0 then
    local limit = g[LIMIT + 3] > 0 and g[LIMIT + 3] or g[LIMIT + 4]
    if limit > 0 then
      -- In the mean, output is made half-way between two reports. With exactly that time the rule is unstable: it admits a little
      -- too much, all requests wait until that has left, and a window later again. So the time counts a 240th of a window less.
      local waited, part = ((now + reported_at) / 2 - since) / r.pool[WINDOW] - 1 / 240, made / limit
      waited = waited < 0 and 0 or waited < 1 and waited or 1
      g[LEAVES] = g[LEAVES] + (part < 0.2 and part or 0.2) * (waited - g[LEAVES])
    end
    if g[USED + 1] == 0 then quota_group.begin_usage(g) end
    g[USED + 3], g[CURRENT + 3] = g[USED + 3] + made, g[CURRENT + 3] + made
  elseif made < 0 then
    refund.refund_window(r, g, reported_at, 0, 0, -made)
  end
end

-- Expects so much more output, or less, with a variance that is more by this. `made`: what was counted meanwhile. The pacer owes
-- both. `quota_group.flow` must have run.
function expected.expect(g, more, variance, made)
  local coming, debt = g[COMING] + more, made + more
  variance = g[VARIANCE] + variance
  g[COMING], g[VARIANCE] = coming > 0 and coming or 0, variance > 0 and variance or 0
  if g[LIMIT + 3] > 0 then g[LEVEL + 3] = quota_group.lowered(g, 3, g[LEVEL + 3], -debt) end
  if g[LIMIT + 4] > 0 then g[LEVEL + 4] = quota_group.lowered(g, 4, g[LEVEL + 4], -debt) end
end

-- The load of the fullest limited dimension; 1 if no dimension has a limit.
function expected.fullest(p, g)
  local most, any = 0, false
  for d = 1, 4 do
    if g[LIMIT + d] > 0 then
      local full = g[MIRRORED] > 0 and g[LEVEL + d] or expected.full_with(g, d, quota_group.used_of(g, d), 0, 0)
      most, any = math.max(most, full / g[LIMIT + d]), true
    end
  end
  return any and most or 1
end

-- The provider refused a request although the group was full: it counts more strictly than we do. So more is kept free,
-- once for all requests granted before.
function expected.grow_strict(g, granted, now)
  if granted <= g[STRICT_AT] then return end
  g[STRICT], g[STRICT_AT] = math.min(MOST_STRICT, math.max(1, g[STRICT] + 0.5)), now
end

-- Takes a step of that back after each hour without such a refusal.
function expected.relax(g, now)
  if g[STRICT] > 0 and now - g[STRICT_AT] >= HOUR_US then g[STRICT], g[STRICT_AT] = g[STRICT] - 0.5, now end
end

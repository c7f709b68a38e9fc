-- The use of others on the same account, as a provider's answers tell it.
-- @uses state/pool, state/quota_group, state/ring
local foreign_use = {}

-- What was charged in a dimension since the slot of `since`, that slot included. `ring.roll` must have run.
function foreign_use.since(win, p, g, since)
  local sums = { g[CURRENT + 1], g[CURRENT + 2], g[CURRENT + 3] }
  local last = g[RECENT] - 1
  local slot = math.max(math.floor(since / p[SLOT]), g[RECENT] - SLOTS)
  while slot <= last do
    local index = slot % SLOTS
    local count = math.min(CHUNK - index % CHUNK, last - slot + 1)
    local chunk = ring.chunk(win, g, slot)
    for i = index, chunk and index + count - 1 or -1 do
      local r, n, o = ring.entry(chunk, i)
      sums[1], sums[2], sums[3] = sums[1] + r, sums[2] + n, sums[3] + o
    end
    slot = slot + count
  end
  sums[4] = sums[2] + sums[3]
  return sums
end

-- Remembers what was charged as another's use, for a window.
function foreign_use.note(p, g, foreign, now)
  if foreign[2] == 0 and foreign[3] == 0 then return end
  local fresh = now - g[FOREIGN_AT] < p[WINDOW] and 1 or 0
  for d = 2, 3 do g[FOREIGN + d] = fresh * g[FOREIGN + d] + foreign[d] end
  g[FOREIGN_AT] = now
end

-- An overage of a lease granted at `since` that was charged as another's use already. Returns how much is not.
function foreign_use.not_charged(p, g, d, over, since, now)
  if over == 0 or g[FOREIGN + d] == 0 or since > g[FOREIGN_AT] or now - g[FOREIGN_AT] >= p[WINDOW] then return over end
  local charged = math.min(over, g[FOREIGN + d])
  g[FOREIGN + d] = g[FOREIGN + d] - charged
  return over - charged
end

-- Splits the output that a running request has made since its last report: what was not charged as another's use already. Headers
-- may have told of what is beyond the expectation, which changed by `change`; of a total limit as input.
function foreign_use.new_of(p, g, made, change, reported_at, now)
  local more = math.min(made, made + change)
  if more <= 0 then return made end
  local new = foreign_use.not_charged(p, g, 3, more, reported_at, now)
  if g[LIMIT + 4] > 0 then new = foreign_use.not_charged(p, g, 2, new, reported_at, now) end
  return made - (more - new)
end

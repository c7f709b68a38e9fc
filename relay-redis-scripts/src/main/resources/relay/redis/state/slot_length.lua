-- Changes the length of the slots. Entries of two lengths cannot be mixed, so all usage counts as just used.
-- This includes groups that left the configuration, because they may come back.
-- @uses state/pool, state/quota_group, state/records, state/ring
local slot_length = {}


-- All groups, including those that left the configuration.
local function all_groups(r)
  local all = {}
  for _, field in ipairs(redis.call('HKEYS', r.state)) do
    if string.sub(field, 1, 2) == 'g:' then all[#all + 1] = records.group(r, string.sub(field, 3)) end
  end
  return all
end

-- `slot` is the present slot by the new length; `p` still has the old one.
local function reshape(r, now, slot)
  local p = r.pool
  for _, g in ipairs(all_groups(r)) do
    ring.roll(r.win, p, g, math.floor(now / p[SLOT]))
    quota_group.flow(p, g, now)
    redis.call('HDEL', r.win, unpack(ring.fields(g)))
    for d = 1, 3 do g[CURRENT + d] = g[USED + d] end
    g[RECENT], g[LEAVES], g.few, g.oldest = slot, 0, '', nil
    records.change(r, g)
  end
  p[SHAPED_AT] = now
end

-- Brings a group up to the present and gives it its rule: 1 to mirror buckets. From then on the pacer is all that counts.
-- Beside a window its debt may be too small: so all that is used counts as used just now.
function slot_length.follow(r, g, mirrored, now, slot)
  ring.roll(r.win, r.pool, g, slot)
  quota_group.flow(r.pool, g, now)
  if g[MIRRORED] == mirrored then return end
  for d = 1, mirrored * 4 do
    local used = math.min(g[LIMIT + d], quota_group.used_of(g, d) + quota_group.coming_of(g, d))
    if g[LEVEL + d] < used then g[LEVEL + d] = used end
  end
  g[MIRRORED] = mirrored
  records.change(r, g)
end

-- The pool has this window, slots of this length, and this accounting from now on.
function slot_length.take_shape(r, window_us, slot_us, bucket, now)
  local p, slot = r.pool, math.floor(now / slot_us)
  if p[SLOT] ~= slot_us then
    reshape(r, now, slot)
    r.stale = true -- what the cache knows of later departures holds no longer
    p[WINDOW], p[SLOT] = window_us, slot_us
  end
  if p[BUCKET] ~= bucket then
    -- what answers have proven of a group is known when its plan is announced
    local mirrored = bucket == 1 and 1 or 0
    for _, g in ipairs(all_groups(r)) do
      if g[MIRRORED] ~= mirrored then slot_length.follow(r, g, mirrored, now, slot) end
    end
  end
  p[WINDOW], p[SLOT], p[BUCKET] = window_us, slot_us, bucket
end

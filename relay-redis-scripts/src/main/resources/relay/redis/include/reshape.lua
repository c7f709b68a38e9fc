-- Changes the length of the slots. Entries of two lengths cannot be mixed, so all usage counts as just used.
-- This includes groups that left the configuration, because they may come back.
-- @uses group, records

-- `slot` is the present slot by the new length; `p` has the old length.
local function reshape(r, now, slot)
  local p = r.pool
  for _, field in ipairs(redis.call('HKEYS', r.state)) do
    if string.sub(field, 1, 2) == 'g:' then
      local g = group_of(r, string.sub(field, 3))
      roll(r.win, p, g, math.floor(now / p[SLOT]))
      flow(p, g, now)
      local chunks = {}
      for c = 1, SLOTS / CHUNK do chunks[c] = g.id .. ':' .. (c - 1) end
      redis.call('HDEL', r.win, unpack(chunks))
      for d = 1, 3 do g[CURRENT + d] = g[USED + d] end
      g[RECENT] = slot
      change(r, g)
    end
  end
  p[SHAPED_AT] = now
end

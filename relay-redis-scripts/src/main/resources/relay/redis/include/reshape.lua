-- Gives the pool's windows slots of another length. Slots of two lengths cannot be told apart, so all
-- that is used counts as used just now. That holds for groups that left the configuration, too, for
-- they may come back.
-- @uses group, records

-- `slot` is the present slot by the new length; `p` still has the old one.
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

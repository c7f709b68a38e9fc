-- Gives the pool's windows slots of another length. Slots of two lengths cannot be told apart, so all
-- that is used counts as used just now. That holds for groups that left the configuration, too, for
-- they may come back.
-- @uses group

-- `slot` is the present slot by the new length; `p` still has the old one.
local function reshape(state, win, p, now, slot)
  for _, field in ipairs(redis.call('HKEYS', state)) do
    if string.sub(field, 1, 2) == 'g:' then
      local id, g = string.sub(field, 3), read_group(redis.call('HGET', state, field))
      roll(win, p, g, id, math.floor(now / p[SLOT]))
      flow(p, g, now)
      local chunks = {}
      for c = 1, SLOTS / CHUNK do chunks[c] = id .. ':' .. (c - 1) end
      redis.call('HDEL', win, unpack(chunks))
      for d = 1, 3 do g[CURRENT + d] = g[USED + d] end
      g[RECENT] = slot
      redis.call('HSET', state, field, pack_group(g))
    end
  end
  p[SHAPED_AT] = now
end

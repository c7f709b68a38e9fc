-- Refunds a part of a charge made at `since` in `slot`. `roll` and `flow` must have run up to `now`.
-- @uses group

-- The window: refunds in the slot of the charge, and only while that slot is live. A charge from before a change of the
-- slots' length is not refunded: its slot number now belongs to another charge. No more than the slot holds: where less
-- output was made than reported, other reports of that slot may have been corrected before.
local function refund_window(win, p, g, since, slot, requests, input, output)
  local recent = g[RECENT]
  if since <= p[SHAPED_AT] then
    return
  elseif slot >= recent then
    requests, input = math.min(requests, g[CURRENT + 1]), math.min(input, g[CURRENT + 2])
    output = math.min(output, g[CURRENT + 3])
    g[CURRENT + 1], g[CURRENT + 2], g[CURRENT + 3] =
      g[CURRENT + 1] - requests, g[CURRENT + 2] - input, g[CURRENT + 3] - output
  elseif slot >= recent - SLOTS then
    local index = slot % SLOTS
    local field = g.id .. ':' .. math.floor(index / CHUNK)
    local chunk = redis.call('HGET', win, field)
    if not chunk then return end
    local r, i, o = entry(chunk, index)
    requests, input, output = math.min(requests, r), math.min(input, i), math.min(output, o)
    redis.call('HSET', win, field, with_entry(chunk, index, 0, r - requests, i - input, o - output))
  else
    return
  end
  g[USED + 1], g[USED + 2], g[USED + 3] = g[USED + 1] - requests, g[USED + 2] - input, g[USED + 3] - output
end

-- The pacer: refunds in full, down to no debt. So a reservation that is larger than the cost paces nobody for long.
local function refund_pacer(g, requests, input, output)
  for d = 1, 4 do
    local back = d == 1 and requests or d == 2 and input or d == 3 and output or input + output
    if g[LIMIT + d] > 0 then g[LEVEL + d] = math.max(0, g[LEVEL + d] - back) end
  end
end

local function refund(win, p, g, since, slot, requests, input, output)
  if since == 0 then return end -- a lease whose record was gone: its charge has aged out
  refund_window(win, p, g, since, slot, requests, input, output)
  refund_pacer(g, requests, input, output)
end

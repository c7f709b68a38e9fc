-- Refunds a part of a charge made at `since` in `slot`. `roll` and `flow` must have run up to `now`.
-- @uses group

-- The window: refunds in the slot of the charge, and only while that slot is live. A charge from before a
-- change of the slots' length is not refunded: its slot number now belongs to another charge.
local function refund_window(win, p, g, since, slot, requests, input, output)
  local recent = g[RECENT]
  if since <= p[SHAPED_AT] then
    return
  elseif slot >= recent then
    g[CURRENT + 1], g[CURRENT + 2], g[CURRENT + 3] =
      g[CURRENT + 1] - requests, g[CURRENT + 2] - input, g[CURRENT + 3] - output
  elseif slot >= recent - SLOTS then
    local index = slot % SLOTS
    local field = g.id .. ':' .. math.floor(index / CHUNK)
    local chunk = redis.call('HGET', win, field)
    if not chunk then return end
    local r, i, o = entry(chunk, index)
    local at = (index % CHUNK) * ENTRY_BYTES
    redis.call('HSET', win, field, string.sub(chunk, 1, at)
      .. struct.pack(ENTRY, r - requests, i - input, o - output) .. string.sub(chunk, at + ENTRY_BYTES + 1))
  else
    return
  end
  g[USED + 1], g[USED + 2], g[USED + 3] = g[USED + 1] - requests, g[USED + 2] - input, g[USED + 3] - output
end

-- The pacer: if the smaller amount had been charged at `since`, the debt would be lower by the refund, but by
-- no more than its least value since then, because a debt of 0 does not fall. Two running minima bound that
-- least value from below. Where neither reaches back to `since`, the outflow since then counts as lost,
-- provided that the limit did not change. Either way the debt stays at or above the exact one. Where the window
-- lets the whole limit pass at once, the window bounds the pacer, and the whole amount is refunded. Otherwise
-- the reservations would pace requests that reserve more than they cost.
local function refund_pacer(p, g, d, since, now, amount)
  local limit, level = g[LIMIT + d], g[LEVEL + d]
  if limit == 0 or level == 0 or amount <= 0 then return end
  local back = amount
  if p[BUCKET] == 1 or g[BURST] < 1 then
    local least = since >= g[LOW_SINCE] and g[LOW + d] or since >= g[OLD_SINCE] and g[OLD_LOW + d] or 0
    back = math.min(amount, least)
    if since > g[CHANGED] and since > p[SHAPED_AT] then
      back = math.max(back, amount - (now - since) * limit / p[WINDOW])
    end
  end
  if back > level then back = level end
  local low, old_low = g[LOW + d] - back, g[OLD_LOW + d] - back
  g[LEVEL + d] = level - back
  g[LOW + d] = low > 0 and low or 0
  g[OLD_LOW + d] = old_low > 0 and old_low or 0
end

local function refund(win, p, g, since, slot, now, requests, input, output)
  if since == 0 then return end -- a lease whose record was gone: its charge has aged out
  refund_window(win, p, g, since, slot, requests, input, output)
  refund_pacer(p, g, 1, since, now, requests)
  refund_pacer(p, g, 2, since, now, input)
  refund_pacer(p, g, 3, since, now, output)
  refund_pacer(p, g, 4, since, now, input + output)
end

-- Refunds a part of a charge made at `since`. `ring.roll` and `quota_group.flow` must have run up to `now`.
-- @uses state/pool, state/quota_group, state/ring
local refund = {}

-- The window: refunds in the slot of the charge, and only while that slot is live. A charge from before a change of the
-- slots' length is not refunded: its slot number now belongs to another charge. No more than the slot holds: where less
-- output was made than reported, other reports of that slot may have been corrected before.
function refund.refund_window(r, g, since, requests, input, output)
  local p, recent = r.pool, g[RECENT]
  local slot = math.floor(since / p[SLOT])
  if since <= p[SHAPED_AT] then
    return
  elseif slot >= recent then
    local n, i, o = g[CURRENT + 1], g[CURRENT + 2], g[CURRENT + 3]
    if requests > n then requests = n end
    if input > i then input = i end
    if output > o then output = o end
    g[CURRENT + 1], g[CURRENT + 2], g[CURRENT + 3] = n - requests, i - input, o - output
  elseif slot >= recent - SLOTS then
    requests, input, output = ring.add(r.win, p, g, slot, -requests, -input, -output)
    requests, input, output = -requests, -input, -output
  else
    return
  end
  g[USED + 1], g[USED + 2], g[USED + 3] = g[USED + 1] - requests, g[USED + 2] - input, g[USED + 3] - output
end

-- Whether a charge has left the window.
function refund.has_left(p, g, since) return math.floor(since / p[SLOT]) < g[RECENT] - SLOTS end

-- The pacer: refunds in full. So a reservation that is larger than the cost paces nobody for long.
local function refund_pacer(g, requests, input, output)
  local l1, l2, l3, l4, _, _, _, d1, d2, d3, d4 = unpack(g, LIMIT + 1, LEVEL + 4)
  if l1 > 0 and requests > 0 then g[LEVEL + 1] = quota_group.lowered(g, 1, d1, requests) end
  if l2 > 0 and input > 0 then g[LEVEL + 2] = quota_group.lowered(g, 2, d2, input) end
  if l3 > 0 and output > 0 then g[LEVEL + 3] = quota_group.lowered(g, 3, d3, output) end
  if l4 > 0 then g[LEVEL + 4] = quota_group.lowered(g, 4, d4, input + output) end
end

function refund.refund(r, g, since, requests, input, output)
  if since == 0 then return end -- a lease whose record was gone: its charge has aged out
  refund.refund_window(r, g, since, requests, input, output)
  refund_pacer(g, requests, input, output)
end

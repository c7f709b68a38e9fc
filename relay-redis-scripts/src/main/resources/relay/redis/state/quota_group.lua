-- A quota group's record, field `g:<group>` of the state hash: little-endian doubles, and the used slots of its window while they
-- are few: see state/ring.
-- @uses state/pool
local quota_group = {}
local GROUP = '<ddddddddddddddddddddddddddddddddd'
local GROUP_BYTES = 264
local AT, RECENT, COOL, BURST = 1, 2, 3, 4 -- last touch, newest slot, cooldown's end, burst ratio
local SHRUNK, SHRUNK_AT = 5, 6 -- share of the burst that the provider is known to admit, and since when
local LIMIT = 6 -- LIMIT + d; d is 1 requests, 2 input, 3 output, 4 input + output
local USED = 10 -- USED + d, d <= 3: the sum over the live slots, with the present one
local LEVEL = 13 -- LEVEL + d: the pacer's debt
local COMING = 18 -- output of live leases that is expected still to come: in the pacer's debt, not in the window
local LEAVES = 19 -- the windows that pass, in the mean, from a grant until its output is made
local HOT = 19 -- a choice reads the fields up to here
local STRICT = 20 -- standard deviations of the output to come that are kept free
local CURRENT = 20 -- CURRENT + d, d <= 3: the present slot, not in the ring yet
local FLIGHT, STRIKES = 24, 25 -- live leases; 429s in a row without a retry time
local VARIANCE = 26 -- of the output to come
local STRICT_AT = 27 -- the last time at which STRICT rose or fell
local FOREIGN, FOREIGN_AT = 26, 30 -- FOREIGN + d, d 2 or 3: charged as another's use, of late; the last time
local MIRRORED = 31 -- 1 if its limits are the provider's buckets, 0 if they are windows: the pool's accounting, or see limits/bucket_proof
local REFUSALS, REFUSALS_AT = 32, 33 -- requests that the provider refused of late and that are charged, fading; the last time
local A_SLOT = '<dddd' -- after the record, up to 64: a used slot's number, requests, input, output
quota_group.A_SLOT = A_SLOT
local FEW_BYTES = 32 -- of each
local CONFIGURED = '<dddd' -- field `c:<group>`: the four configured limits
quota_group.CONFIGURED = CONFIGURED
local HOUR_US = 3600e6
local LEAST_BURST = 0.015625 -- as a share: about a second of the limit
local SLOTS = 480 -- closed slots in a window: see state/ring

function quota_group.read(value, state)
  local slots = math.max(0, #value - GROUP_BYTES)
  pool.check_size(value, GROUP_BYTES + slots - slots % FEW_BYTES, 'a group', state)
  local g = { struct.unpack(GROUP, value) }
  g[34], g.few = nil, string.sub(value, GROUP_BYTES + 1) -- `unpack` adds where it ended
  return g
end
function quota_group.pack(g) return struct.pack(GROUP, unpack(g, 1, 33)) .. g.few end

-- The share of a limit that may be used at once. A refusal by the provider shrinks it; it doubles back every
-- hour.
function quota_group.burst_of(ratio, shrunk, shrunk_at, now)
  if shrunk == 1 then return ratio, 1 end
  shrunk = math.min(1, shrunk * 2 ^ math.floor(math.max(0, now - shrunk_at) / HOUR_US))
  return ratio * shrunk, shrunk
end

-- Requests that the provider refused within a window, about: they are charged, and most providers do not count them.
function quota_group.refused_of(p, g, now)
  return g[REFUSALS] * math.max(0, 1 - math.max(0, now - g[REFUSALS_AT]) / p[WINDOW])
end

function quota_group.is_unused(g) return g[USED + 1] == 0 and g[USED + 2] == 0 and g[USED + 3] == 0 end

-- Whether usage may have left since the last roll. `oldest`, a bound that only the cache knows, is set when an unused
-- group is charged: then its ring is empty.
function quota_group.may_leave(g, slot) return slot > g[RECENT] and not (g.oldest and slot <= g.oldest + SLOTS) and not quota_group.is_unused(g) end

-- Usage begins to be charged to the present slot.
function quota_group.begin_usage(g)
  if quota_group.is_unused(g) then g.oldest = g[RECENT] end
end

-- The time in which a debt of the whole limit flows off: as long as a charge stays in the window. If it were shorter, the pacer
-- would admit more than the window can, and no debt would be left. A full window that admits just what leaves it repeats each
-- pause for ever.
function quota_group.refill_us(p, g)
  local window, least = p[WINDOW] / (1 - p[SLOWED]), (SLOTS + 1) * p[SLOT]
  return (g[MIRRORED] > 0 or window > least) and window or least
end

-- The debt in one dimension as of `now`: less what has flown off since the last touch. Below nothing it has no bound yet.
function quota_group.debt_at(p, g, d, now)
  return g[LEVEL + d] - math.max(0, now - g[AT]) * g[LIMIT + d] / quota_group.refill_us(p, g)
end

-- What a dimension's window holds, and what is expected still to come in it.
function quota_group.used_of(g, d) return d == 4 and g[USED + 2] + g[USED + 3] or g[USED + d] end
function quota_group.coming_of(g, d) return d >= 3 and g[COMING] or 0 end

-- What a full group may save up: below nothing its debt falls to this much credit, and requests that come at random use the whole
-- limit with it. That is at most a quarter of its burst. A group with a tenth free saves nothing up: it may use half of that at once,
-- and has paid that back when it leaves the window. `free` is what the window has free. Where output is still to come, the debt
-- follows what is expected of it, up and down by the deviation of that.
function quota_group.credit(g, d, limit, free)
  if 10 * free >= limit then return 0 end
  local varies = d >= 3 and g[COMING] > 0
  local most = math.min(varies and 0.03 or 0.05, g[BURST] / 4) * limit
  if varies then most = most + math.sqrt(g[VARIANCE]) end
  return most * (1 - 10 * math.max(0, free) / limit)
end

-- The debt in one dimension, after some of it has flown off. `ring.roll` must have run.
function quota_group.flown(g, d, limit, used, level)
  if level >= 0 then return level end
  local least = g[MIRRORED] > 0 and 0 or -quota_group.credit(g, d, limit, limit - used)
  return level > least and level or least
end

-- A debt less what is given back. Like what flows off, that makes no more than the credit.
function quota_group.lowered(g, d, level, by)
  local rest = level - by
  if rest >= 0 or by <= 0 then return rest end
  return math.min(level, quota_group.flown(g, d, g[LIMIT + d], quota_group.used_of(g, d), rest))
end

-- Refills the pacers up to `now`. `ring.roll` must have run.
function quota_group.flow(p, g, now)
  local passed = now - g[AT]
  if passed <= 0 then return end -- the second check within a call
  g[AT] = now
  local window, l1, l2, l3, l4, u1, u2, u3, d1, d2, d3, d4 = quota_group.refill_us(p, g), unpack(g, LIMIT + 1, LEVEL + 4)
  if l1 > 0 then g[LEVEL + 1] = quota_group.flown(g, 1, l1, u1, d1 - passed * l1 / window) end
  if l2 > 0 then g[LEVEL + 2] = quota_group.flown(g, 2, l2, u2, d2 - passed * l2 / window) end
  if l3 > 0 then g[LEVEL + 3] = quota_group.flown(g, 3, l3, u3, d3 - passed * l3 / window) end
  if l4 > 0 then g[LEVEL + 4] = quota_group.flown(g, 4, l4, u2 + u3, d4 - passed * l4 / window) end
end

-- Charges a cost to the present slot. `ring.roll` and `quota_group.flow` must have run.
function quota_group.charge(g, requests, input, output)
  if g[USED + 1] == 0 then quota_group.begin_usage(g) end
  g[USED + 1], g[CURRENT + 1] = g[USED + 1] + requests, g[CURRENT + 1] + requests
  g[USED + 2], g[CURRENT + 2] = g[USED + 2] + input, g[CURRENT + 2] + input
  g[USED + 3], g[CURRENT + 3] = g[USED + 3] + output, g[CURRENT + 3] + output
  if g[LIMIT + 1] > 0 then g[LEVEL + 1] = g[LEVEL + 1] + requests end
  if g[LIMIT + 2] > 0 then g[LEVEL + 2] = g[LEVEL + 2] + input end
  if g[LIMIT + 3] > 0 then g[LEVEL + 3] = g[LEVEL + 3] + output end
  if g[LIMIT + 4] > 0 then g[LEVEL + 4] = g[LEVEL + 4] + (input + output) end
end

-- Changes a limit that the provider stated or the configuration changed. What a mirrored bucket has left stays, up to the new
-- limit.
function quota_group.limit(g, d, wanted)
  local had = g[LIMIT + d]
  if wanted == had then return end
  g[LIMIT + d] = wanted
  local used = quota_group.used_of(g, d) + quota_group.coming_of(g, d)
  if wanted == 0 then
    g[LEVEL + d] = 0
  elseif had == 0 then
    -- the limit is new, so nothing was paced: all usage may be recent
    g[LEVEL + d] = math.min(wanted, used)
  elseif g[MIRRORED] > 0 then
    g[LEVEL + d] = math.max(0, g[LEVEL + d] + (wanted - had))
  elseif g[LEVEL + d] > math.max(wanted, used) then
    -- This debt is from a lost state, not from known usage. The new limit is the most that can be missing; the
    -- debt of a larger limit would block a smaller one for many windows.
    g[LEVEL + d] = math.max(wanted, used)
  end
end

-- A client's allowance in each dimension: what its group still admits, and when the group is unused again.
-- @uses state/pool, state/quota_group, limits/gate, limits/expected
local allowance = {}
local NEARLY = 1e-6 -- a debt flows off in fractions

-- Returns two values for one dimension: what is admitted now (the number of requests, or the tokens of one request),
-- and the microseconds until nothing is in use. `ring.roll` must have run up to now.
local function left_of(p, g, d, now)
  local limit, window = g[LIMIT + d], quota_group.refill_us(p, g)
  local level = quota_group.debt_at(p, g, d, now)
  local empty = math.max(0, level) * window / limit
  local burst, shrunk = quota_group.burst_of(g[BURST], g[SHRUNK], g[SHRUNK_AT], now)
  if g[MIRRORED] > 0 then return gate.headway(true, 0, limit * (1 - p[OTHERS]), 0, 0, burst, shrunk) - math.max(0, level), empty end
  local used, second = quota_group.used_of(g, d), math.min(1, 4 * shrunk) -- of a cost, above the cost itself
  level = quota_group.flown(g, d, limit, used, level)
  limit = limit * (1 - p[KEPT])
  local free, saved = limit - expected.full_with(g, d, used, 0, 0) - expected.margin(g, d), quota_group.credit(g, d, g[LIMIT + d], limit - used)
  if used > 0 then empty = math.max(empty, (g[RECENT] + SLOTS + 1) * p[SLOT] - now) end
  local share = burst / shrunk
  if d > 1 then
    if second * free >= level + saved then return free, empty end
    return math.min(free, math.min(burst * limit, share * (limit - used)) - level), empty
  end
  -- each of them fills the window, which shrinks the burst for the next
  local shrinking = (share * (limit - used + 1) - level) / (1 + share)
  return math.min(free, math.max(math.min(burst * limit - level, shrinking), 1 + second - saved - level)), empty
end

-- Writes two values for each dimension: what is left, and the microseconds until the whole limit is left; 0 without a
-- limit.
function allowance.tell_left(p, g, now, reply, at)
  for d = 1, 4 do
    local left, empty = 0, 0
    if g[LIMIT + d] > 0 then
      left, empty = left_of(p, g, d, now)
      left = g[COOL] > now and 0 or math.max(0, math.floor(left + NEARLY))
    end
    reply[at + 2 * d - 2], reply[at + 2 * d - 1] = left, math.ceil(empty)
  end
end

-- Splits what is promised before a request into whole limits, each of which takes a window to return, and a rest.
-- @uses state/quota_group
local whole_windows = {}

-- How many limits of a group a sum is, and in which dimension: the one of which it takes most.
function whole_windows.limits_in(sum, g)
  local costs, most, reason = { sum[1], sum[2], sum[3], sum[2] + sum[3] }, 0, 1
  for d = 1, 4 do
    local part = g[LIMIT + d] > 0 and costs[d] / g[LIMIT + d] or 0
    if part > most then most, reason = part, d end
  end
  return most, reason
end

-- Subtracts `rounds` whole limits from a sum of requests, input and output. If input plus output has a limit, too, the excess over
-- the rest of that limit is cut from input or output that has no limit of its own.
function whole_windows.rest_of(g, sum, rounds)
  if rounds == 0 then return sum[1], sum[2], sum[3] end
  local l2, l3, l4 = g[LIMIT + 2], g[LIMIT + 3], g[LIMIT + 4]
  local n, input = math.max(0, sum[1] - rounds * g[LIMIT + 1]), math.max(0, sum[2] - rounds * l2)
  local output = math.max(0, sum[3] - rounds * l3)
  local free = (l2 == 0 and input or 0) + (l3 == 0 and output or 0)
  local over = l4 > 0 and input + output - math.max(0, sum[2] + sum[3] - rounds * l4) or 0
  if over > 0 and free > 0 then
    local part = math.max(0, 1 - over / free)
    if l2 == 0 then input = part * input end
    if l3 == 0 then output = part * output end
  end
  return n, input, output
end

-- Counts the whole limits of a window before a request, by group. Also returns the groups whose window is full then, or whose group
-- above or below has a full one.
function whole_windows.before(share)
  local rounds, full, costs = {}, {}, share.costs
  for _, g in ipairs(share.groups) do
    local all = g[MIRRORED] == 0 and share.promised_before and share.promised_before[g]
    local limits = all and whole_windows.limits_in({ all[1] + costs[1], all[2] + costs[2], all[3] + costs[3] }, g) or 0
    rounds[g] = math.max(0, math.ceil(limits - 1e-9) - 1)
  end
  for n = 1, share.groups.listed do
    local g = share.groups[n]
    local over = g.over or g
    if rounds[g] > 0 or rounds[over] > 0 then full[g], full[over] = true, true end
  end
  return rounds, full
end

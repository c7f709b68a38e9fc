-- Whether a group can carry a request, and if not, when.
-- @uses group

-- What one dimension lets the pacer's debt rise to. It shrinks as the window fills, so an idle group
-- takes half its limit at once and a full one flows evenly.
local function headway(cost, limit, used, burst)
  return math.max(burst * limit * (1 - used / limit), burst * limit / 20, 2 * cost)
end

-- The share of the limit in use once the cost is added, or nil when it does not fit now.
local function load_with(cost, limit, used, level, burst)
  if used + cost <= limit and level + cost <= headway(cost, limit, used, burst) then return (used + cost) / limit end
end

-- Input and output as this group accounts for them: an estimate up to twice a limit is clamped to it,
-- else a small limit could never admit anything. Above that: nil, the dimension and its limit.
local function clamp(input, output, limit_in, limit_out, limit_all)
  if limit_in > 0 and input > limit_in then
    if input > 2 * limit_in then return nil, 2, limit_in end
    input = limit_in
  end
  if limit_out > 0 and output > limit_out then
    if output > 2 * limit_out then return nil, 3, limit_out end
    output = limit_out
  end
  if limit_all > 0 and input + output > limit_all then
    if input + output > 2 * limit_all then return nil, 4, limit_all end
    input = math.min(input, limit_all)
    output = limit_all - input
  end
  return input, output
end

-- The first time at which one dimension can take the cost if nothing else happens. Both conditions
-- can only turn from false to true as time goes on: slots leave one by one, the debt falls
-- steadily and its bound rises with every slot that leaves. So: the first interval between two
-- departures in which the debt gets low enough.
local function dimension_opens(win, p, g, id, now, d, cost)
  local limit = g[LIMIT + d]
  if limit == 0 or cost == 0 then return now end
  local level, rate = g[LEVEL + d], limit / p[WINDOW]
  local used = d == 4 and g[USED + 2] + g[USED + 3] or g[USED + d]
  local slot, chunk, chunk_at = g[RECENT], nil, nil
  for gone = 0, SLOTS + 1 do
    local from = gone == 0 and now or (slot + gone) * p[SLOT]
    if used + cost <= limit then
      local excess = level + cost - headway(cost, limit, used, g[BURST])
      -- one microsecond more than the quotient covers its rounding
      local paced = excess > 0 and g[AT] + math.ceil(excess / rate) + 1 or now
      local opens = math.max(from, paced)
      if gone > SLOTS or opens < (slot + gone + 1) * p[SLOT] then return opens end
    end
    if gone < SLOTS then
      local index = (slot + gone) % SLOTS
      local number = math.floor(index / CHUNK)
      if chunk_at ~= number then
        chunk, chunk_at = redis.call('HGET', win, id .. ':' .. number), number
      end
      local r, i, o = entry(chunk, index)
      used = used - (d == 1 and r or d == 2 and i or d == 3 and o or i + o)
    else
      used = used - (d == 4 and g[CURRENT + 2] + g[CURRENT + 3] or g[CURRENT + d])
    end
  end
  return now -- not reached: with the last departure the window is empty
end

-- How long that is, in a reply: at most 10^15 us, for a debt of very many limits would not fit into an
-- integer.
local function wait(opens, now) return math.max(0, math.min(1e15, opens - now)) end

-- The first time at which the whole group can take a request, and the dimension that decides it
-- (0: its cooldown).
local function group_opens(win, p, g, id, now, requests, input, output)
  local opens, reason = math.max(now, g[COOL]), 0
  local costs = { requests, input, output, input + output }
  for d = 1, 4 do
    local at = dimension_opens(win, p, g, id, now, d, costs[d])
    if at > opens then opens, reason = at, d end
  end
  return opens, reason
end

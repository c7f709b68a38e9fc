-- Replicas that are missing: their heartbeats stay away, and they did not leave. Each may be cut off from Redis and serve by
-- itself what is its share of nine tenths of every limit. So the others keep that free: as much as it may have used in the
-- last window. The pool's record holds the share of each limit that is kept free, and the share by which debts flow off more
-- slowly meanwhile. A replica serves by itself for so long at most, and then nearly nothing: `CutOff` has the same numbers.
-- @uses pool, fleet
local MISSING_US = 1e6 -- two heartbeats
local ALONE_US = 30e6
local NEXT_US = 5e5 -- until the next heartbeat
local SHARE = 0.9

-- How long a missing replica matters.
local function memory_us(p) return math.max(60e6, p[WINDOW] + ALONE_US) end

-- When replicas joined, in order.
local function joined_at(fleet)
  local times = {}
  for _, m in pairs(fleet.replicas) do times[#times + 1] = m.at end
  table.sort(times)
  return times
end

-- `heard`: each replica and the time of its last heartbeat, in order of time. A newcomer takes the place of the first that
-- is missing since before: that one was restarted, and is forgotten.
local function keep_free(p, name, fleet, now)
  local heard, joined = redis.call('ZRANGE', name, 0, -1, 'WITHSCORES'), joined_at(fleet)
  local kept, slowed, first, replicas, next_joined = 0, 0, 1, #heard / 2, 1
  for n = 1, replicas do
    local at = tonumber(heard[2 * n])
    if at > now - MISSING_US then break end
    while tonumber(heard[2 * first]) < at - 3e6 do first = first + 1 end
    local share = SHARE / (replicas - first + 1) -- it divides by those that it saw alive
    local from, to = math.max(at, now - p[WINDOW]), math.min(at + ALONE_US, now + NEXT_US)
    while joined[next_joined] and joined[next_joined] <= at do next_joined = next_joined + 1 end
    if joined[next_joined] then
      redis.call('ZREM', name, heard[2 * n - 1])
      next_joined = next_joined + 1
    else
      if to > from then kept = kept + share * (to - from) / p[WINDOW] end
      if at + ALONE_US > now then slowed = slowed + share end
    end
  end
  p[KEPT], p[SLOWED], p[KEPT_UNTIL] = math.min(SHARE, kept), math.min(SHARE, slowed), now + 2e6
end

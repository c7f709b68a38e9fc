-- The order of requests that wait for running ones to end, because keys are at `max_concurrent`: promises `at_most` in queue/queue.
-- @uses state/pool_key
local concurrency = {}

-- Whether the requests before a place that wait for running ones to end need all places that are free on the keys of a list at a
-- time. Those that must go to one account need only its own.
function concurrency.lacks_place(l, list, count, now)
  local before, free, own = 0, 0, {}
  for c = 1, #list, 2 do
    local k, g = list[c], list[c + 1]
    if k[K_STOPPED] == 0 and k[K_COOL] <= now then
      if k[K_MAX] == 0 then return false end
      local places = math.max(0, k[K_MAX] - k[K_FLIGHT])
      free, own[g] = free + places, (own[g] or 0) + places
    end
  end
  for n = 1, count do
    local one = l.order[n]
    local left = one.only and (own[one.group] or 0)
    if one.lent then
      left = nil -- it needs none now: its request is late, and takes the next free place when it comes
    elseif one.at_most and not left then
      before = before + 1
    elseif one.at_most and left > 0 then
      free, own[one.group] = free - 1, left - 1
    end
  end
  return free <= before
end

-- Free concurrency of keys: how many more requests they may run. Where keys are at `max_concurrent`, promises wait for running
-- requests to end (`waits_for_end`). Large pools do the same in queue/large_concurrency.
-- @uses state/pool_key
local concurrency = {}

-- Returns whether the first `count` promises that wait for an end need all free concurrency of a list's keys. A promise that must go
-- to one account needs that account's only.
function concurrency.is_promised(q, list, count, now)
  local before, free, by_group = 0, 0, {}
  for c = 1, #list, 2 do
    local k, g = list[c], list[c + 1]
    if k[K_STOPPED] == 0 and k[K_COOL] <= now then
      if k[K_MAX] == 0 then return false end
      local free_here = math.max(0, k[K_MAX] - k[K_FLIGHT])
      free, by_group[g] = free + free_here, (by_group[g] or 0) + free_here
    end
  end
  for n = 1, count do
    local promise = q.order[n]
    local left = promise.one_account and (by_group[promise.group] or 0)
    if promise.lent then
      left = nil -- its request is late and needs none now: it takes the next that is free when it comes
    elseif promise.waits_for_end and not left then
      before = before + 1
    elseif promise.waits_for_end and left > 0 then
      free, by_group[promise.group] = free - 1, left - 1
    end
  end
  return free <= before
end

-- Free concurrency in a large pool whose keys are at `max_concurrent`. When a running request ends, its concurrency goes to the first
-- request in the queue. Small pools do the same in queue/concurrency.
-- @uses state/pool_key, choose/ready_sets, choose/parking, choose/search
local large_concurrency = {}
local MOST_COUNTED = 16 -- keys in a set

-- The free concurrency of a set's ready keys: exact for the first few, 1 for each of the others. Infinite if a key has no maximum.
local function free_in(r, set, last, now)
  local free = math.max(0, redis.call('ZCOUNT', set, '-inf', last) - MOST_COUNTED)
  for _, row in ipairs(redis.call('ZRANGEBYSCORE', set, '-inf', last, 'LIMIT', 0, MOST_COUNTED)) do
    local group = ready_sets.whole_of(row)
    if group then
      free = free + free_in(r, set .. ':' .. group, 2 * now + 1, now)
    else
      local k = search.list_of(r, { row })[1]
      if k[K_STOPPED] == 0 and k[K_COOL] <= now then
        if k[K_MAX] == 0 then return math.huge end
        free = free + math.max(0, k[K_MAX] - k[K_FLIGHT])
      end
    end
  end
  return free
end

function large_concurrency.free(r, index, share, now)
  if not share.free_concurrency then
    share.free_concurrency = 0
    for n = index.first, index.last do
      share.free_concurrency = share.free_concurrency + free_in(r, index.sets[n], parking.last_ready(share.band, now), now)
    end
  end
  return share.free_concurrency
end

-- How many of the first `count` promises wait for running requests to end.
function large_concurrency.waiting_before(q, count)
  local before = 0
  for n = 1, count do
    if q.order[n].waits_for_end and not q.order[n].lent then before = before + 1 end
  end
  return before
end

-- Returns whether the promises before a request need all free concurrency.
function large_concurrency.is_promised(r, index, share, now)
  if not share.client or share.queue.short_keys < now - share.window then return false end
  local before = large_concurrency.waiting_before(share.queue, share.ahead_count)
  return before > 0 and large_concurrency.free(r, index, share, now) <= before
end

-- The order of requests in a large pool whose keys are at `max_concurrent`. When a running request ends, the first request in the
-- queue gets its place. Small pools do the same in queue/concurrency.
-- @uses state/pool_key, choose/ready_sets, choose/parking, choose/search
local free_slots = {}
local MOST_COUNTED = 16 -- keys in a set

-- The free places on the ready keys of a set: on keys after the first few one each. Huge if a key has no bound.
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

function free_slots.free_places(r, index, ask, now)
  if not ask.free then
    ask.free = 0
    for n = index.first, index.last do
      ask.free = ask.free + free_in(r, index.sets[n], parking.last_ready(ask.band, now), now)
    end
  end
  return ask.free
end

-- How many before a place wait for running requests to end.
function free_slots.waiting_before(l, count)
  local before = 0
  for n = 1, count do
    if l.order[n].at_most and not l.order[n].lent then before = before + 1 end
  end
  return before
end

-- Whether those before a request need all places that are free.
function free_slots.lacks_key(r, index, ask, now)
  if not ask.of or ask.line.at_most < now - ask.window then return false end
  local before = free_slots.waiting_before(ask.line, ask.count)
  return before > 0 and free_slots.free_places(r, index, ask, now) <= before
end

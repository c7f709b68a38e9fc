-- Parking candidates of a ready set until they can carry a request, and making them ready when they are due.
-- @uses wire/reasons, state/pool, state/pool_key, state/quota_group, state/records, choose/choice, choose/ready_sets
local parking = {}
local LATEST = 3.9e15 -- later times are treated alike: the odd bit must fit into a double
local SAMPLE = 4 -- candidates in a comparison after the first

-- Whether what parks a candidate is the same for requests of all sizes. One for several says nothing of those for one.
local function is_for_all(r, reason) return reason == COOLDOWN or r.pool[ASKED] == 1 and (reason == 1 or reason == A_DAY + 1) end

-- The score of a candidate parked until `opens` for this reason.
function parking.parked_at(r, opens, reason) return 2 * math.min(opens, LATEST) + (is_for_all(r, reason) and 0 or 1) end

-- The first score of a priority's band. The highest has none: what is not free for it is parked.
local function band(rank) return rank > 1 and (4 - rank) * BAND or PARKED end

-- The last score of what may be free for a request. `rank`: its priority, if it has a band.
function parking.last_ready(rank, now) return rank and band(rank) - 1 or 2 * now + 1 end

-- Moves the candidates between two scores that are due to the end of the ready ones. `run` names the time of the first of them.
function parking.wake_run(r, set, run, first, last, due)
  if (r.wakes[run] or 0) > due then return end
  local found = redis.call('ZRANGEBYSCORE', set, first, last, 'WITHSCORES', 'LIMIT', 0, SAMPLE + 1)
  r.wakes[run] = NEVER
  for n = 1, #found, 2 do
    local score = tonumber(found[n + 1])
    if n > 2 * SAMPLE or score > due then
      r.wakes[run] = score
      break
    end
    redis.call('ZADD', set, r.pool[TURN], found[n])
  end
end

-- Some of the candidates in a priority's band, or of those that are parked: the soonest first. Nothing is in front of them.
-- Without a priority: of all.
function parking.unable(set, rank, at, count)
  if not rank then return redis.call('ZRANGE', set, at, at + count - 1, 'WITHSCORES') end
  local first = band(rank)
  local last = rank > 1 and first + BAND - 1 or '+inf'
  return redis.call('ZRANGEBYSCORE', set, first, last, 'WITHSCORES', 'LIMIT', at, count)
end

-- The score in the band of the request's priority, if the candidate is free for higher ones. Else they would look at all that
-- are not: so it is parked until it is.
local function banded(r, k, g, now, opens, request)
  local view = request.view
  local free_at, why = view.without(g, function() return choice.able_at(r, k, g, request, now, math.huge) end)
  if free_at > now then return parking.parked_at(r, free_at, why) end
  return band(view.rank) + math.ceil(math.min(math.max(opens, now + 1), LATEST) / 1000)
end

-- Moves candidates that are due, parked or in the bands of the request's priority and higher ones, to the end of the ready ones.
function parking.wake(r, set, now, lowest)
  for rank = lowest or 1, 2, -1 do
    local first = band(rank)
    parking.wake_run(r, set, ready_sets.run_of(set, first), first, first + BAND - 1, first + math.floor(now / 1000))
  end
  parking.wake_run(r, set, set, PARKED, '+inf', 2 * now + 1)
end

function parking.size_of(r, input, output)
  local asked = r.pool[ASKED]
  return asked == 1 and input .. ' ' .. output or input .. ' ' .. output .. ' ' .. asked
end

-- Records the size of the requests that parked candidates; `mixed` if the sizes differ.
local function note_size(state, set, size)
  local field = 's:' .. set
  local held = redis.call('HGET', state, field)
  if held ~= size then redis.call('HSET', state, field, (held and held ~= '') and 'mixed' or size) end
end

-- When a candidate can carry a request, as `choice.able_at`. Records the result for `is_shut`, which knows of one group's limits.
function parking.able_and_noted(r, k, g, now, most, request)
  local input, output, view, asked = request.input, request.output, request.view, r.pool[ASKED]
  local rank = view and view.rank
  local noted = view and view.promised and r.shut[ready_sets.row_of(k, g)]
  if noted and noted[1] > now and noted[3] == input and noted[4] == output and noted[6] == rank and noted[7] == asked then
    return noted[1], noted[2] -- far times are long walks
  end
  local opens, reason = choice.able_at(r, k, g, request, now, most)
  opens = opens + (view and view.delays and view.delays[g] or 0) -- behind whole limits that are promised
  if reasons.is_limit(reason) and not g.above then r.shut[ready_sets.row_of(k, g)] = { opens, reason, input, output, g, rank, asked } end
  return opens, reason
end

-- Whether a recorded check shows that a candidate cannot carry a request before a time. This holds for every
-- request that costs no less in the deciding dimension. A larger cost passes a window no sooner. It passes a
-- pacer sooner, but not before the debt has fallen to the cost. Output is clamped to the rest of a total limit,
-- so with a total limit nothing is known of output. Nor while output is to come: for more than an empty window can
-- take, the time is a guess, which is early.
function parking.is_shut(r, row, before, request)
  local noted, input, output = r.shut[row], request.input, request.output
  if not noted or noted[6] or noted[1] < before + 2 then return false end -- rounding makes that time up to 2 us late
  local d, g, cost = noted[2], noted[5], r.pool[ASKED]
  if d >= 3 and g[COMING] > 0 then return false end
  if d == 1 then
    if cost < noted[7] then return false end
  elseif d == 2 then
    cost = input
    if cost < noted[3] then return false end
  elseif d == 3 then
    cost = output
    if cost < noted[4] or g[LIMIT + 4] > 0 then return false end
  elseif d == 4 then
    cost = input + output
    if input < noted[3] or output < noted[4] then return false end
  end
  return d == 1 and cost == noted[7] or d > 1 and input == noted[3] and output == noted[4] or g[MIRRORED] > 0
    or g[AT] + (g[LEVEL + d] - cost) * r.pool[WINDOW] / g[LIMIT + d] >= before
end

-- Parks a candidate until it can carry this request.
function parking.park(r, set, k, g, now, request)
  if k[K_STOPPED] > 0 then
    ready_sets.park_at(r, set, NEVER, k, g)
  else
    local opens, reason = parking.able_and_noted(r, k, g, now, math.huge, request)
    if k == ready_sets.ANY and opens <= now then return ready_sets.score_group(r, set, g) end
    -- a group too small for this request may be large enough for the next
    if opens == math.huge then
      opens, reason = now + r.pool[WINDOW], 2
    elseif request.view and request.view.rank then
      return ready_sets.park_at(r, set, banded(r, k, g, now, opens, request), k, g)
    end
    local size = parking.size_of(r, request.input, request.output)
    ready_sets.park_at(r, set, parking.parked_at(r, opens, reason), k, g, size)
    if not is_for_all(r, reason) then note_size(r.state, set, size) end
  end
end

-- Parks a key of a large group if it is itself the obstacle. Returns whether it is.
local function park_key(r, keys, k, g, now)
  local opens = choice.key_opens(k, now, now, 0)
  if opens > now then ready_sets.park_at(r, keys, opens == math.huge and NEVER or parking.parked_at(r, opens, 0), k, g) end
  return opens > now
end

-- The next free keys of a large group as rows, from a place on, without those to avoid. Parks those that are not
-- free, or a busy one would stay the first; returns their number, too.
function parking.next_keys(r, keys, now, from, most, avoided, rank)
  parking.wake(r, keys, now, rank)
  local found = redis.call('ZRANGE', keys, from, from + most + SAMPLE - 2 + avoided.count, 'WITHSCORES')
  local rows, parked = {}, 0
  for n = 1, #found, 2 do
    local row = found[n]
    if #rows == most or tonumber(found[n + 1]) > 2 * now + 1 then break end
    if not avoided[row] then
      local pair = r.lists[row] or records.named(r, row)
      if park_key(r, keys, pair[1], pair[2], now) then
        parked = parked + 1
      else
        rows[#rows + 1] = row
      end
    end
  end
  return rows, parked
end

-- Parks candidates that cannot carry this request: of a large group the keys that are busy, and then the group.
function parking.park_all(r, set, list, now, request)
  local large, groups = ready_sets.large_in(r, set), {}
  for c = 1, #list, 2 do
    local k, g = list[c], list[c + 1]
    if large[g.id] then
      park_key(r, large[g.id], k, g, now)
      groups[g] = true
    else
      parking.park(r, set, k, g, now, request)
    end
  end
  for g in pairs(groups) do parking.park(r, set, ready_sets.ANY, g, now, request) end
end

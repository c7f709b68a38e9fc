-- How acquire_indexed denies a request: it first checks all candidates that may be able to carry it.
-- @uses state/pool, state/pool_key, state/quota_group, choose/choice, choose/ready_sets, choose/parking, choose/search
local denial = {}

-- Whether a recorded check shows that a candidate cannot carry a request before a time. This holds for every
-- request that costs no less in the deciding dimension. A larger cost passes a window no sooner. It passes a
-- pacer sooner, but not before the debt has fallen to the cost. Output is clamped to the rest of a total limit,
-- so with a total limit nothing is known of output. Nor while output is to come: for more than an empty window can
-- take, the time is a guess, which is early.
local function is_shut(r, row, before, request)
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

-- The key of a large group that is free first, as a row. Parks the ready ones that are not free. Nil if all are to
-- be avoided; `false` if the call has looked at its maximum.
local function first_key(r, keys, now, avoided, looks, view)
  while true do
    local rows, busy = parking.next_keys(r, keys, now, 0, 1, avoided, view and view.rank)
    if rows[1] then return rows[1] end
    if busy == 0 then break end
    looks.left = looks.left - busy
    if looks.left <= 0 then return false end
  end
  local found = redis.call('ZRANGEBYSCORE', keys, PARKED, '+inf', 'WITHSCORES', 'LIMIT', 0, MOST_LOOKS)
  local best, first = nil, math.huge
  for n = 1, #found, 2 do
    if not avoided[found[n]] and tonumber(found[n + 1]) < 2 * first then
      local opens = choice.key_opens(search.list_of(r, found, view, n, n)[1], now, now, 0)
      if not best or opens < first then best, first = found[n], opens end
    end
  end
  return best
end

-- No candidate of a ready set is ready: finds when the first can carry the request. Returns a candidate, as
-- `search.find_ready`, if one can after all. If requests of this size parked all candidates, the first few tell the time.
-- Otherwise candidates parked by other sizes are checked as well; for most of them `is_shut` needs no read.
local function deny(r, set, request, now, avoided, told, looks)
  local input, output, view = request.input, request.output, request.view
  local state, size = r.state, parking.size_of(r, input, output)
  -- behind promises the first times are near enough: see queue/large_queue
  local several, sizes = r.pool[ASKED] > 1, r.sizes[set] or {} -- more may pass a pacer sooner than one
  local mixed = not (view and view.promised) and (several or redis.call('HGET', state, 's:' .. set) ~= size)
  local step = mixed and 100 or view and view.promised and 2 or 16
  local at, again, shut, unable = 0, {}, {}, {} -- `shut`: known unable without a check; `unable`: found unable
  local large = ready_sets.large_in(r, set)
  local unlike = false -- whether one stays parked by a request of another size

  -- Takes the times at which these can carry the request into account.
  local function tell_of(list)
    for c = 1, #list, 2 do
      local k, g, most = list[c], list[c + 1], told.opens
      local opens, reason = parking.able_and_noted(r, large[g.id] and ready_sets.ANY or k, g, now, most, request)
      local score = parking.parked_at(r, opens, reason)
      if large[g.id] then
        score = opens > now and opens < math.huge and score
        if opens < math.huge then opens, reason = choice.key_opens(k, now, opens, reason) end
      end
      if opens < most then told.opens, told.reason, told.opener, told.k, told.g = opens, reason, k.id, k, g end
      if opens == math.huge then
        if k[K_STOPPED] > 0 then
          again[#again + 1] = { not large[g.id] and NEVER, k, g }
        else -- too small
          local _, dimension, limit = choice.clamp_all(r, g, input, output)
          told.small, unlike = told.small + 1, true
          if limit > told.limit then
            told.dimension, told.limit = dimension, limit
            if told.opens == math.huge then told.k, told.g = k, g end
          end
        end
      elseif opens > most then
        unlike = true -- its own time is not known
      elseif mixed then
        again[#again + 1] = { score, k, g, size }
      end
    end
  end

  local rank = view and view.rank -- the band, and then those of higher priorities
  while true do
    local found = parking.unable(set, rank, at, step)
    local rows, past = {}, #found == 0
    for n = 1, #found, 2 do
      local row, score = found[n], tonumber(found[n + 1])
      if score < PARKED then score = score % BAND * 2000 end
      if avoided[row] then
        unlike = true
      elseif score == NEVER then
        -- quarantined
      elseif score < 2 * told.opens or mixed and (several or score % 2 == 1) and sizes[row] ~= size then
        if mixed and is_shut(r, row, now + 1, request) then
          shut[#shut + 1] = row
        else
          rows[#rows + 1] = row
        end
      else
        past = past or not mixed
      end
    end
    for n = #rows, 1, -1 do
      local group = ready_sets.whole_of(rows[n])
      if group then
        local row = first_key(r, large[group], now, avoided, looks, view)
        if row == false then return false end
        if row then
          rows[n] = row
        else
          unlike = true
          table.remove(rows, n)
        end
      end
    end
    for from = 1, #rows, 16 do
      local list = search.list_of(r, rows, view, from, math.min(from + 15, #rows))
      local best, want_in, want_out = choice.best_of(r, list, now, input, output, nil, 1)
      if best then return list[best], list[best + 1], want_in, want_out end
      if mixed then -- compute the times later: another candidate may be able, and then they are not needed
        for c = 1, #list do unable[#unable + 1] = list[c] end
      else
        tell_of(list)
      end
    end
    at = at + step
    if past or view and view.promised and at > 8 and told.opens < math.huge then
      if (rank or 1) == 1 then break end
      rank, at = rank - 1, 0
    end
  end
  tell_of(unable)
  for n, row in ipairs(shut) do
    if is_shut(r, row, told.opens, request) then
      unlike = unlike or sizes[row] ~= size
    else
      local group = ready_sets.whole_of(row)
      local free = not group and row or first_key(r, large[group], now, avoided, looks, view)
      if free == false then return false end
      if free then tell_of(search.list_of(r, { free }, view)) else unlike = true end
    end
  end
  for _, one in ipairs(again) do
    local score, k, g = one[1], one[2], one[3]
    if score then
      ready_sets.park_at(r, set, score, large[g.id] and ready_sets.ANY or k, g, one[4])
    else
      ready_sets.place(r, set, g)
    end
  end
  if mixed then redis.call('HSET', state, 's:' .. set, unlike and 'mixed' or size) end
end

-- Finds the candidate for a request in the ready sets of an `index`, see queue/large_queue, highest priority first: the
-- records of its key and group, what to reserve, and its ready set. Otherwise nil and the findings of `deny`;
-- `false` if the call has compared its maximum.
function denial.find_or_deny(r, index, request, now, avoided, looks)
  local answer
  for n = index.first, index.last do
    local set = index.sets[n]
    local k, g, want_in, want_out = search.find_ready(r, set, request, now, avoided, looks)
    if k == nil then
      answer = answer or { opens = math.huge, reason = 0, opener = '', small = 0, dimension = 0, limit = 0 }
      k, g, want_in, want_out = deny(r, set, request, now, avoided, answer, looks)
    end
    if k ~= nil then return k, g, want_in, want_out, set end
  end
  return nil, nil, nil, nil, nil, answer
end

-- Whether quarantine alone keeps a candidate of these ready sets from carrying the request. `deny` has parked
-- the quarantined ones that it met at `NEVER`.
function denial.is_kept_from_any(r, index, request, avoided)
  local function is_kept_in(rows)
    for _, row in ipairs(rows) do
      local is_key = not avoided[row] and not ready_sets.whole_of(row)
      if is_key and choice.is_kept_from(r, search.list_of(r, { row }), request.input, request.output) then return true end
    end
  end
  for n = index.first, index.last do
    if is_kept_in(redis.call('ZRANGEBYSCORE', index.sets[n], NEVER, NEVER)) then return true end
    local large = ready_sets.large_in(r, index.sets[n])
    for _, group in ipairs(large) do -- one key tells of its group
      local rows = redis.call('ZRANGEBYSCORE', large[group], NEVER, NEVER, 'LIMIT', 0, 1 + avoided.count)
      if is_kept_in(rows) then return true end
    end
  end
  return false
end

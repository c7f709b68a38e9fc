-- How acquire_indexed denies a request: it first checks all candidates that may be able to carry it.
-- @uses state/pool, state/pool_key, choose/choice, choose/ready_sets, choose/parking, choose/search
local denial = {}

-- The key of a large group that is free first, as a row. Parks the ready ones that are not free. Nil if all are to
-- be avoided; `false` if the call has looked at its maximum.
local function first_key(r, index, walk, group, now)
  local keys, avoided, view = walk.large[group], index.avoided, walk.request.view
  while true do
    local rows, busy = parking.next_keys(r, keys, now, 0, 1, avoided, view and view.rank)
    if rows[1] then return rows[1] end
    if busy == 0 then break end
    index.looks = index.looks - busy
    if index.looks <= 0 then return false end
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

-- What a denial knows of a ready set. `mixed`: requests of several sizes parked its candidates. `shut`: rows that are known unable
-- without a check; `unable`: records that were found unable; `again`: what is to be parked again; `unlike`: whether a request of
-- another size keeps one parked. `answer`: the findings.
local function begin(r, set, request, answer)
  local several, sizes = r.pool[ASKED] > 1, r.sizes[set] or {} -- more may pass a pacer sooner than one
  local size, view = parking.size_of(r, request.input, request.output), request.view
  local promised = view and view.promised -- behind promises the first times are near enough: see queue/large_queue
  local mixed = not promised and (several or redis.call('HGET', r.state, 's:' .. set) ~= size)
  return {
    set = set, request = request, answer = answer, size = size, sizes = sizes, several = several, mixed = mixed, promised = promised,
    large = ready_sets.large_in(r, set), shut = {}, unable = {}, again = {}, unlike = false,
  }
end

-- Takes a candidate into account that can never carry the request. It is parked again if it is quarantined.
local function note_never(r, walk, k, g)
  local answer, request = walk.answer, walk.request
  if k[K_STOPPED] > 0 then
    local keys = walk.large[g.id]
    if keys then ready_sets.park_at(r, keys, NEVER, k, g) end -- it may wait there for a lease to end
    walk.again[#walk.again + 1] = { not keys and NEVER, k, g }
    return
  end
  local _, dimension, limit = choice.clamp_all(r, g, request.input, request.output) -- too small
  answer.small, walk.unlike = answer.small + 1, true
  if limit > answer.limit then
    answer.dimension, answer.limit = dimension, limit
    if answer.opens == math.huge then answer.k, answer.g = k, g end
  end
end

-- Takes the times at which these can carry the request into account.
local function note_times(r, walk, list, now)
  local answer, large = walk.answer, walk.large
  for c = 1, #list, 2 do
    local k, g, most = list[c], list[c + 1], answer.opens
    local opens, reason = parking.able_and_noted(r, large[g.id] and ready_sets.ANY or k, g, now, most, walk.request)
    local score = parking.parked_at(r, opens, reason)
    if large[g.id] then
      score = opens > now and opens < math.huge and score
      if opens < math.huge then opens, reason = choice.key_opens(k, now, opens, reason) end
    end
    if opens < most then answer.opens, answer.reason, answer.opener, answer.k, answer.g = opens, reason, k.id, k, g end
    if opens == math.huge then
      note_never(r, walk, k, g)
    elseif opens > most then
      walk.unlike = true -- its own time is not known
    elseif walk.mixed then
      walk.again[#walk.again + 1] = { score, k, g, walk.size }
    end
  end
end

-- Those of found candidates that are to be checked, as rows; `shut` gets those that need no check. Also returns whether those
-- behind them can only be free later.
local function to_check(r, index, walk, found, now)
  local rows, past, answer, mixed, sizes = {}, #found == 0, walk.answer, walk.mixed, walk.sizes
  for n = 1, #found, 2 do
    local row, score = found[n], tonumber(found[n + 1])
    if score < PARKED then score = score % BAND * 2000 end
    if index.avoided[row] then
      walk.unlike = true
    elseif score == NEVER then
      -- quarantined
    elseif score < 2 * answer.opens or mixed and (walk.several or score % 2 == 1) and sizes[row] ~= walk.size then
      if mixed and parking.is_shut(r, row, now + 1, walk.request) then
        walk.shut[#walk.shut + 1] = row
      else
        rows[#rows + 1] = row
      end
    else
      past = past or not mixed
    end
  end
  return rows, past
end

-- Puts a key in the place of each large group. Returns false if the call has looked at its maximum.
local function name_keys(r, index, walk, rows, now)
  for n = #rows, 1, -1 do
    local group = ready_sets.whole_of(rows[n])
    local row = not group and rows[n] or first_key(r, index, walk, group, now)
    if row == false then return false end
    if row then
      rows[n] = row
    else
      walk.unlike = true
      table.remove(rows, n)
    end
  end
  return true
end

-- Looks for a candidate that can carry the request after all: returns it as `search.find_ready`.
local function check(r, walk, rows, now)
  local request, unable = walk.request, walk.unable
  for from = 1, #rows, 16 do
    local list = search.list_of(r, rows, request.view, from, math.min(from + 15, #rows))
    local best, want_in, want_out = choice.best_of(r, list, request, now, nil, 1)
    if best then return list[best], list[best + 1], want_in, want_out end
    if walk.mixed then -- compute the times later: another candidate may be able, and then they are not needed
      for c = 1, #list do unable[#unable + 1] = list[c] end
    else
      note_times(r, walk, list, now)
    end
  end
end

-- Those that need no check may still be free first. Returns false if the call has looked at its maximum.
local function note_shut(r, index, walk, now)
  for _, row in ipairs(walk.shut) do
    if parking.is_shut(r, row, walk.answer.opens, walk.request) then
      walk.unlike = walk.unlike or walk.sizes[row] ~= walk.size
    else
      local group = ready_sets.whole_of(row)
      local free = not group and row or first_key(r, index, walk, group, now)
      if free == false then return false end
      if free then note_times(r, walk, search.list_of(r, { free }, walk.request.view), now) else walk.unlike = true end
    end
  end
  return true
end

-- Parks what was looked at for this size of request.
local function park_again(r, walk)
  for _, one in ipairs(walk.again) do
    local score, k, g = one[1], one[2], one[3]
    if score then
      ready_sets.park_at(r, walk.set, score, walk.large[g.id] and ready_sets.ANY or k, g, one[4])
    else
      ready_sets.score_group(r, walk.set, g)
    end
  end
  if walk.mixed then redis.call('HSET', r.state, 's:' .. walk.set, walk.unlike and 'mixed' or walk.size) end
end

-- No candidate of a ready set is ready: finds when the first can carry the request. Returns a candidate, as
-- `search.find_ready`, if one can after all. If requests of this size parked all candidates, the first few tell the time.
-- Otherwise candidates parked by other sizes are checked as well; for most of them `parking.is_shut` needs no read.
local function deny(r, index, set, request, now, answer)
  local walk = begin(r, set, request, answer)
  local step, at = walk.mixed and 100 or walk.promised and 2 or 16, 0
  local rank = request.view and request.view.rank -- the band, and then those of higher priorities
  while true do
    local rows, past = to_check(r, index, walk, parking.unable(set, rank, at, step), now)
    if not name_keys(r, index, walk, rows, now) then return false end
    local k, g, want_in, want_out = check(r, walk, rows, now)
    if k then return k, g, want_in, want_out end
    at = at + step
    if past or walk.promised and at > 8 and answer.opens < math.huge then
      if (rank or 1) == 1 then break end
      rank, at = rank - 1, 0
    end
  end
  note_times(r, walk, walk.unable, now)
  if not note_shut(r, index, walk, now) then return false end
  park_again(r, walk)
end

-- Finds the candidate for a request in the ready sets of an `index`, see queue/large_queue, highest priority first: the
-- records of its key and group, what to reserve, and its ready set. Otherwise nil and the findings of `deny`;
-- `false` if the call has compared its maximum.
function denial.find_or_deny(r, index, request, now)
  local answer
  for n = index.first, index.last do
    local set = index.sets[n]
    local k, g, want_in, want_out = search.find_ready(r, index, set, request, now)
    if k == nil then
      answer = answer or { opens = math.huge, reason = 0, opener = '', small = 0, dimension = 0, limit = 0 }
      k, g, want_in, want_out = deny(r, index, set, request, now, answer)
    end
    if k ~= nil then return k, g, want_in, want_out, set end
  end
  return nil, nil, nil, nil, nil, answer
end

-- Whether quarantine alone keeps a candidate of these ready sets from carrying the request. `deny` has parked
-- the quarantined ones that it met at `NEVER`.
function denial.is_kept_from_any(r, index, request)
  local avoided = index.avoided
  local function is_kept_in(rows)
    for _, row in ipairs(rows) do
      local is_key = not avoided[row] and not ready_sets.whole_of(row)
      if is_key and choice.is_kept_from(r, search.list_of(r, { row }), request) then return true end
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

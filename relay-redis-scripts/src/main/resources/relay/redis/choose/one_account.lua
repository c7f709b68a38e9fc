-- The candidates of one account, for a request that no other account can serve.
-- @uses state/pool, state/pool_key, choose/bulk, choose/choice, choose/grant, choose/parking, choose/ready_sets, choose/search
-- @uses wire/replies
local one_account = {}
local NOTHING_AVOIDED = { count = 0 }

-- Those in a list; nil if there are none.
function one_account.of_group(list, group)
  local some = {}
  for c = 1, #list, 2 do
    if list[c + 1].id == group then some[#some + 1], some[#some + 2] = list[c], list[c + 1] end
  end
  for _, c in ipairs(list.shadow or {}) do
    for n = 1, #some, 2 do
      if some[n] == list[c] and some[n + 1] == list[c + 1] then
        some.shadow = some.shadow or {}
        some.shadow[#some.shadow + 1] = n
      end
    end
  end
  return #some > 0 and some or nil
end

-- Those in the index, of a large account a few that are free. The second result is the time at which the first
-- key of a large account is free, if none is. Nil if the account is unknown there.
function one_account.in_ready_sets(r, sets, first, last, group, now)
  local list, opens = nil, math.huge
  for n = first, last do
    local set, rows = sets[n], {}
    local keys = ready_sets.large_in(r, set)[group]
    if keys then
      list = list or {}
      rows = parking.next_keys(r, keys, now, 0, SAMPLE, NOTHING_AVOIDED)
      local score = tonumber(redis.call('ZRANGE', keys, 0, 0, 'WITHSCORES')[2] or NEVER)
      if #rows == 0 and score < NEVER then opens = math.min(opens, math.max(now + 1, math.floor(score / 2))) end
    else
      for _, row in ipairs(ready_sets.rows_in(r, set, group)) do
        if redis.call('ZSCORE', set, row) then rows[#rows + 1] = row end
      end
    end
    if #rows > 0 then
      list = list or {}
      for _, record in ipairs(search.list_of(r, rows)) do list[#list + 1] = record end
    end
  end
  return list, opens
end

-- Serves a request with those of the index. `opens`: when the first key of a large account is free, if none is.
function one_account.serve(r, list, request, now, opens, is_shadow)
  local again = r.held[request.id]
  if again then return grant.again(request, again) end
  r.pool[ASKED] = request.count or 1
  if request.count and not bulk.begin(r, request, now) then return end
  local best, want_in, want_out, dimension, limit = choice.best_of(r, list, request, now, nil, choice.seed_of(r, request.id))
  if best then
    if request.whole then want_in, want_out = bulk.enlarge(r, request, list[best], list[best + 1], now, want_in, want_out) end
    return grant.give(r, request, list[best], list[best + 1], now, want_in, want_out)
  end
  local stopped, small = want_in, want_out
  local soon, reason, opener = choice.soonest(r, list, request, now)
  if opens < soon then soon, reason, opener = opens, 0, '' end
  if is_shadow and #list > 0 and list[1][K_STOPPED] == 0 then
    grant.give_anyway(r, request, list[1], list[2], now, reason)
  elseif soon < math.huge then
    replies.wait(request, now, soon, reason, opener)
  elseif small == 0 or stopped > 0 and choice.is_kept_from(r, list, request) then
    replies.out_of_use(request)
  else
    replies.too_large(request, dimension, limit)
  end
end

-- The rooms of a large pool's queue. A room is capacity for one promise: a group, and the time at which it comes free there. Each rank
-- of the queue has a list of rooms in order of time. `held` is their sum by group.
-- @uses state/pool_key, state/quota_group, state/records, choose/choice, choose/ready_sets, choose/parking
-- @uses choose/search, queue/queue, queue/ahead, queue/whole_windows
local large_rooms = {}

-- Adds a room to its rank's list, which is in order of time.
function large_rooms.add(q, rank, room)
  local rooms = q.rooms[rank]
  local at = #rooms + 1
  while at > 1 and rooms[at - 1].at > room.at do at = at - 1 end
  table.insert(rooms, at, room)
  queue.add(q.held[rank], room, 1)
end

function large_rooms.remove(q, rank, n)
  local room = table.remove(q.rooms[rank], n)
  queue.add(q.held[rank], room, -1)
  return room
end

-- The number of promises of higher ranks than `rank`.
local function above(q, rank) return queue.before(q.order, rank - 0.5, 0) end

-- The number of a place among the places of its rank that have rooms, if `count` promises are before it. A lent place has no room.
function large_rooms.nth_of(q, rank, count)
  local above = above(q, rank)
  local nth = count + 1 - above
  for n = above + 1, q.lent_count > 0 and count or above do
    if q.order[n].lent then nth = nth - 1 end
  end
  return nth
end

-- How many promises of a rank have not lent their places.
function large_rooms.waiting_in(q, rank) return large_rooms.nth_of(q, rank, above(q, rank + 1)) - 1 end

-- Gives the index back the last rooms of each rank, so that no more rooms stay than promises that have not lent their places.
function large_rooms.give_back(r, q)
  for rank = 0, 3 do
    local rooms = q.rooms[rank]
    if rooms[1] then
      local most = large_rooms.waiting_in(q, rank)
      while #rooms > most do
        ready_sets.reopen_group(r, large_rooms.remove(q, rank, #rooms).group.id)
      end
    else
      q.held[rank] = {} -- of groups that may be gone
    end
  end
end

-- Returns whether there are rooms of a request's rank or a higher one.
function large_rooms.holds_rooms(share)
  for rank = 0, share.rank do
    if share.queue.rooms[rank][1] then return true end
  end
  return false
end

-- The number of groups in the class's ready sets.
function large_rooms.groups_in(r, index)
  local count = 0
  for n = index.first, index.last do
    local large = ready_sets.large_in(r, index.sets[n])
    if not large.groups then
      local seen = {}
      large.groups = 0
      for _, row in ipairs(redis.call('ZRANGE', index.sets[n], 0, -1)) do
        local group = string.match(row, ' (%S+)$')
        if not seen[group] then seen[group], large.groups = true, large.groups + 1 end
      end
    end
    count = count + large.groups
  end
  return count
end

-- A sample of the candidates in a group, and the ready set of each.
local function candidates(r, index, g, view, now)
  local list, from = {}, {}
  for n = index.first, index.last do
    local rows = search.rows_of(r, index.sets[n], g.id, now, SAMPLE, index.avoided, view.rank)
    for _, record in ipairs(search.list_of(r, rows, view)) do
      list[#list + 1], from[#list + 1] = record, index.sets[n]
    end
  end
  return list, from
end

-- What is held in a group for promises before a request: the rooms of higher ranks, and some of its own rank, `own_rank`.
local function held_before(share, own_rank, g)
  local sum = own_rank[g]
  for rank = 0, share.rank - 1 do
    local held = share.queue.held[rank][g]
    if held and held[1] > 0 then
      sum = sum and { sum[1] + held[1], sum[2] + held[2], sum[3] + held[3] } or held
    end
  end
  return sum and sum[1] > 0 and sum or nil
end

-- Calls `get` while a group and the one above it have their true use, without the charges of `all`.
local function uncharged(all, g, get)
  local charged = { saved = {} }
  for _, saved in ipairs(all.saved or {}) do
    local group = saved[1]
    if group == g or group == g.over then
      table.insert(charged.saved, { group, unpack(group, 1, CURRENT + 3) })
      for field = 1, CURRENT + 3 do group[field] = saved[field + 1] end
    end
  end
  local at, why = get()
  ahead.restore(charged)
  return at, why
end

-- Runs `what` with each group that it looks at charged, once, for the rooms of earlier requests and for the headroom that this
-- request leaves. If the rooms hold whole limits of a group, the group grants nothing now, and its retry time is later by as many
-- windows. Meanwhile that is the request's `view`: `promised` charges the groups of a list, `without` runs a function while a
-- group is not charged, `delays` has those windows, and `rank` is the priority in whose band the request parks.
function large_rooms.charged(r, request, own_rank, now, what)
  local share = request.share
  local all, sums, rounds = { headroom = share.headroom, spread = share.spread }, {}, {}
  local view = { delays = {}, rank = share.band }
  function view.promised(list)
    for c = 2, #list, 2 do
      local g, later = list[c], 0
      repeat
        if not rounds[g] then
          local sum = held_before(share, own_rank, g)
          sums[g], rounds[g] = sum, sum and math.floor(whole_windows.limits_in(sum, g)) or 0
          if sum or share.headroom > 0 then
            ahead.bring_up(r, g, now)
            ahead.assume(r, all, g, sums, rounds[g])
            if rounds[g] > 0 then g[COOL] = math.max(g[COOL], now + 1) end
          end
        end
        later = math.max(later, rounds[g] * quota_group.refill_us(r.pool, g))
        g = records.above(r, g)
      until not g
      if later > 0 then view.delays[list[c]] = later end
    end
  end
  function view.without(g, get) return uncharged(all, g, get) end
  request.view = view
  local k, g, want_in, want_out, set, answer = what()
  request.view = nil
  ahead.restore(all)
  return k, g, want_in, want_out, set, answer
end

-- Looks at a room that was taken out of the list, as if the first `count` rooms of its rank were used. Returns the key and group that
-- have it, what to reserve there, and the ready set. If the room is not free yet, sets its time.
function large_rooms.look_at(r, index, request, room, count, now)
  local share = request.share
  local rooms, own_rank = share.queue.rooms[share.rank], {}
  for n = 1, count do queue.add(own_rank, rooms[n], 1) end
  return large_rooms.charged(r, request, own_rank, now, function()
    local list, from = candidates(r, index, room.group, request.view, now)
    local best, want_in, want_out = choice.best_of(r, list, request, now, request.favourite, request.seed)
    if best then return list[best], list[best + 1], want_in, want_out, from[best] end
    local k, g = list[1], list[2]
    -- if none of its keys is free, the room is looked at again in a second
    room.at = k and choice.able_at(r, k, g, request, now, math.huge) + (request.view.delays[g] or 0) or now + 1e6
  end)
end

-- Parks the candidates of a group until it is free behind all its rooms.
function large_rooms.park(r, index, request, g, now)
  for n = index.first, index.last do
    local set = index.sets[n]
    if ready_sets.large_in(r, set)[g.id] then
      request.view.promised({ ready_sets.ANY, g })
      r.shut['{} ' .. g.id] = nil
      parking.park(r, set, ready_sets.ANY, g, now, request)
    else
      for _, row in ipairs(ready_sets.rows_in(r, set, g.id)) do
        r.shut[row] = nil
        if redis.call('ZSCORE', set, row) then
          parking.park(r, set, search.list_of(r, { row }, request.view)[1], g, now, request)
        end
      end
    end
  end
end

-- Returns whether a granted candidate stays parked or in a band, because its capacity had been promised. Its key's turn ends.
function large_rooms.stays_parked(r, share, set, k, g)
  if not share.client then return false end
  local keys = ready_sets.large_in(r, set)[g.id]
  local row = ready_sets.row_of(keys and ready_sets.ANY or k, g)
  if tonumber(redis.call('ZSCORE', set, row) or 0) < BAND then return false end
  if keys then redis.call('ZADD', keys, k[K_PASS], ready_sets.row_of(k, g)) end
  return true
end

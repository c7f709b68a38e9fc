-- Rooms of a large pool's queue. A room is capacity for one promise: a group, and the time at which it comes free there. Each
-- rank of the queue has a list of them in order of time. `held` is their sum by group.
-- @uses state/pool_key, state/quota_group, state/records, choose/choice, choose/ready_sets, choose/parking
-- @uses choose/search, queue/queue, queue/ahead, queue/whole_windows
local openings = {}

-- Adds a room in order of time.
function openings.add(l, rank, room)
  local rooms = l.rooms[rank]
  local at = #rooms + 1
  while at > 1 and rooms[at - 1].at > room.at do at = at - 1 end
  table.insert(rooms, at, room)
  queue.add(l.held[rank], room, 1)
end

function openings.remove(l, rank, n)
  local room = table.remove(l.rooms[rank], n)
  queue.add(l.held[rank], room, -1)
  return room
end

-- The number of promises of higher ranks than one.
local function above(l, rank) return queue.before(l.order, rank - 0.5, 0) end

-- The number of a place among those of its rank that have rooms: `count` promises are before it. Those that have lent their places
-- have none.
function openings.nth_of(l, rank, count)
  local above = above(l, rank)
  local nth = count + 1 - above
  for n = above + 1, l.lent > 0 and count or above do
    if l.order[n].lent then nth = nth - 1 end
  end
  return nth
end

-- How many promises of a rank have not lent their places.
function openings.waiting_in(l, rank) return openings.nth_of(l, rank, above(l, rank + 1)) - 1 end

-- A rank has no more rooms than such promises: the index gets back the last ones.
function openings.give_back(r, l)
  for rank = 0, 3 do
    local rooms = l.rooms[rank]
    if rooms[1] then
      local most = openings.waiting_in(l, rank)
      while #rooms > most do
        ready_sets.reopen_group(r, openings.remove(l, rank, #rooms).group.id)
      end
    else
      l.held[rank] = {} -- of groups that may be gone
    end
  end
end

-- Whether a request stands behind rooms.
function openings.holds_rooms(ask)
  for rank = 0, ask.place do
    if ask.line.rooms[rank][1] then return true end
  end
  return false
end

-- The number of groups in the class's ready sets.
function openings.groups_in(r, index)
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

-- Some candidates in a group, and the ready set of each.
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

-- What is held in a group for a request: the rooms of higher ranks, and some of its own rank's, `own`.
local function held_before(ask, own, g)
  local sum = own[g]
  for rank = 0, ask.place - 1 do
    local one = ask.line.held[rank][g]
    if one and one[1] > 0 then
      sum = sum and { sum[1] + one[1], sum[2] + one[2], sum[3] + one[3] } or one
    end
  end
  return sum and sum[1] > 0 and sum or nil
end

-- Runs a function while a group and the one above have what they had.
local function uncharged(all, g, get)
  local charged = { saved = {} }
  for _, saved in ipairs(all.saved or {}) do
    local one = saved[1]
    if one == g or one == g.over then
      table.insert(charged.saved, { one, unpack(one, 1, CURRENT + 3) })
      for field = 1, CURRENT + 3 do one[field] = saved[field + 1] end
    end
  end
  local at, why = get()
  ahead.leave(charged)
  return at, why
end

-- Runs `what` with each group that it looks at charged, once, for the rooms of earlier requests and for the headroom that this
-- request leaves. If the rooms hold whole limits of a group, the group grants nothing now, and its retry time is later by as many
-- windows. Meanwhile that is the request's `view`: `promised` charges the groups of a list, `without` runs a function while a
-- group is not charged, `delays` has those windows, and `rank` is the priority in whose band the request parks.
function openings.charged(r, request, own, now, what)
  local ask = request.client
  local all, sums, rounds = { kept = ask.kept, spread = ask.spread }, {}, {}
  local view = { delays = {}, rank = ask.band }
  function view.promised(list)
    for c = 2, #list, 2 do
      local g, later = list[c], 0
      repeat
        if not rounds[g] then
          local sum = held_before(ask, own, g)
          sums[g], rounds[g] = sum, sum and math.floor(whole_windows.limits_in(sum, g)) or 0
          if sum or ask.kept > 0 then
            ahead.bring_up(r, g, now)
            ahead.pretend(r, all, g, sums, rounds[g])
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
  ahead.leave(all)
  return k, g, want_in, want_out, set, answer
end

-- Looks at a room, which is taken out of the list: returns the key and group that have it, what to reserve there, and the ready
-- set, as if the first `count` others of its rank were used. If it has not come, it gets its time.
function openings.look_at(r, index, request, room, count, now)
  local ask = request.client
  local rooms, own = ask.line.rooms[ask.place], {}
  for n = 1, count do queue.add(own, rooms[n], 1) end
  return openings.charged(r, request, own, now, function()
    local list, from = candidates(r, index, room.group, request.view, now)
    local best, want_in, want_out = choice.best_of(r, list, request, now, request.favourite, request.seed)
    if best then return list[best], list[best + 1], want_in, want_out, from[best] end
    local k, g = list[1], list[2]
    room.at = k and choice.able_at(r, k, g, request, now, math.huge) + (request.view.delays[g] or 0) or now + 1e6 -- or none of its keys is free
  end)
end

-- Parks the candidates of a group until it is free behind all its rooms.
function openings.park(r, index, request, g, now)
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

-- Whether the granted candidate stays parked or in a band: what it was granted had been promised. Its key's turn ends.
function openings.stays_parked(r, ask, set, k, g)
  if not ask.of then return false end
  local keys = ready_sets.large_in(r, set)[g.id]
  local row = ready_sets.row_of(keys and ready_sets.ANY or k, g)
  if tonumber(redis.call('ZSCORE', set, row) or 0) < BAND then return false end
  if keys then redis.call('ZADD', keys, k[K_PASS], ready_sets.row_of(k, g)) end
  return true
end

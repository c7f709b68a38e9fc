-- Rooms of a large pool's queue. A room is capacity for one promise: a group, and the time at which it comes free there. The
-- list is in order of time. `held` is their sum by
-- group.
-- @uses pool, key, group, records, gate, choice, index, parking, search, line, behind, turn

-- Adds a room in order of time.
function line.add_room(l, room)
  local rooms, at = l.rooms, #l.rooms + 1
  while at > 1 and rooms[at - 1].at > room.at do at = at - 1 end
  table.insert(rooms, at, room)
  line.add(l.held, room, 1)
end

function line.remove_room(l, n)
  local room = table.remove(l.rooms, n)
  line.add(l.held, room, -1)
  return room
end

-- There are no more rooms than promises: the index gets back the last ones.
function line.give_back(r, index, l)
  while #l.rooms > #l.order do
    levels.reopen(r, line.remove_room(l, #l.rooms).group.id, nil, index.from, index.sets)
  end
  if #l.rooms == 0 then l.held = {} end -- of groups that may be gone
end

-- Some candidates in a group, and the ready set of each.
function line.candidates(r, index, g, now, avoided)
  local list, from = {}, {}
  for n = index.first, index.last do
    for _, record in ipairs(list_of(r, levels.rows_of(r, index.sets[n], g.id, now, SAMPLE, avoided))) do
      list[#list + 1], from[#list + 1] = record, index.sets[n]
    end
  end
  return list, from
end

-- Runs a function while these sums are charged to the groups of lists that it is given, or that the index offers, each once.
-- If the sums hold whole limits of a group, it grants nothing now, and its retry time is later by as many cycles.
function line.charged(r, sums, spread, now, what)
  local all, rounds = { sums = sums, kept = 0, spread = spread }, {}
  r.later = {}
  function r.promised(list)
    for c = 2, #list, 2 do
      local g, later = list[c], 0
      repeat
        local sum = sums[g]
        if sum and sum[1] > 0 and not rounds[g] then
          rounds[g] = math.floor(line.limits_in(sum, g))
          line.bring_up(r, g, now)
          line.pretend(r, all, g, sums, rounds[g])
          if rounds[g] > 0 then g[COOL] = math.max(g[COOL], now + 1) end
        end
        later = math.max(later, (rounds[g] or 0) * line.cycle(r.pool))
        g = levels.above(r, g)
      until not g
      if later > 0 then r.later[list[c]] = later end
    end
  end
  local k, g, want_in, want_out, set, answer = what()
  r.promised, r.later = nil, nil
  line.leave(all)
  return k, g, want_in, want_out, set, answer
end

-- Looks at a room, which is taken out of the list: returns the key and group that have it, what to reserve there, and the ready
-- set, as if the first `count` others were used. If it has not come, it gets its time.
function line.look_at(r, index, ask, room, count, now, input, output, favourite, seed, avoided)
  local l, sums = ask.line, {}
  for n = 1, count do line.add(sums, l.rooms[n], 1) end
  return line.charged(r, sums, ask.spread, now, function()
    local list, from = line.candidates(r, index, room.group, now, avoided)
    local best, want_in, want_out = best_of(r, list, now, input, output, favourite, seed)
    if best then return list[best], list[best + 1], want_in, want_out, from[best] end
    local k, g = list[1], list[2]
    room.at = k and able_at(r, k, g, now, math.huge, input, output) + (r.later[g] or 0) or now + 1e6 -- or none of its keys is free
  end)
end

-- Parks the candidates of a group until it is free behind all its rooms.
function line.park(r, index, g, now, input, output)
  for n = index.first, index.last do
    local set = index.sets[n]
    if large_in(r, set)[g.id] then
      r.promised({ ANY, g })
      r.shut['{} ' .. g.id] = nil
      park(r, set, ANY, g, now, input, output)
    else
      for _, row in ipairs(rows_in(r, set, g.id)) do
        r.shut[row] = nil
        if redis.call('ZSCORE', set, row) then park(r, set, list_of(r, { row })[1], g, now, input, output) end
      end
    end
  end
end

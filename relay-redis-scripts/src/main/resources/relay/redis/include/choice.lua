-- The pick among candidates: `fields` holds `k:<key>`, `g:<group>` of each, highest priority first,
-- and `v` their records.
-- @uses pool, key, group, gate
local LEAST_LOADED, ROUND_ROBIN, RANDOM, WEIGHTED = 1, 2, 3, 4
local TOUCHED = '<dd' -- a group's last touch and newest slot

-- Brings the candidates' windows to now. Old slots leave once, for whoever comes next: what was rolled
-- is noted in `changed`, to be written whatever the answer.
local function roll_all(win, p, fields, v, slot, changed)
  for c = 2, #fields, 2 do
    local _, recent = struct.unpack(TOUCHED, v[c])
    if recent < slot then
      local field = fields[c]
      local packed = changed[field]
      if not packed then
        local g = read_group(v[c])
        roll(win, p, g, string.sub(field, 3), slot)
        packed = pack_group(g)
        changed[field] = packed
      end
      v[c] = packed
    end
  end
end

-- The next of a sequence of draws (Park and Miller): exact in doubles.
local function draw(seed) return seed * 16807 % 2147483647 end

-- The best candidate for a request, as its place in `fields`, and what it reserves: among those of the
-- highest priority that can carry it, first one of the group that the session favours, then by the
-- strategy: the least full, the next in turn, or the smallest draw. Turns are told by passes: a key's
-- pass grows by one over its weight with each pick, and the smallest is next.
-- Else nil, the number of quarantined and of too small candidates, and the largest limit that is too
-- small, with its dimension.
local function best_of(p, fields, v, now, input, output, favourite, seed)
  local window, bucket, strategy = p[WINDOW], p[BUCKET] == 1, p[STRATEGY]
  local best, best_rank, best_flight, best_pass, best_priority, best_input, best_output, best_mine
  local stopped, small, dimension, limit = 0, 0, 0, 0
  for c = 1, #fields, 2 do
    local state, load, flight, pass, priority, want_in, want_out = look(v[c], v[c + 1], now, window, bucket, input, output)
    if state == 1 then
      if best and priority < best_priority then break end
      local rank = 0
      if strategy == LEAST_LOADED then
        rank = load
      else
        flight = 0
        if strategy == RANDOM then
          seed = draw(seed)
          rank = seed
        end
      end
      local mine = favourite and fields[c + 1] == favourite
      local better = not best
      if best then
        if mine ~= best_mine then
          better = mine
        elseif rank ~= best_rank then
          better = rank < best_rank
        elseif flight ~= best_flight then
          better = flight < best_flight
        else
          better = pass < best_pass
        end
      end
      if better then
        best, best_rank, best_flight, best_pass, best_priority, best_mine = c, rank, flight, pass, priority, mine
        best_input, best_output = want_in, want_out
      end
    elseif state == 2 then
      stopped = stopped + 1
    elseif state == 3 then
      small = small + 1
      if flight > limit then dimension, limit = load, flight end
    end
  end
  if best then return best, best_input, best_output end
  return nil, stopped, small, dimension, limit
end

-- Puts the charge of a grant into the records of its key and group. Gives both, packed.
local function take(p, key, group, now, input, output)
  local g = read_group(group)
  flow(p, g, now)
  charge(g, 1, input, output)
  g[FLIGHT] = g[FLIGHT] + 1
  local k = read_key(key)
  k[K_FLIGHT] = k[K_FLIGHT] + 1
  -- one that could not be picked for a while does not catch up
  local turn = math.max(k[K_PASS], p[TURN])
  local weight = p[STRATEGY] == WEIGHTED and k[K_WEIGHT] or 1
  p[TURN] = turn
  k[K_PASS] = turn + (weight > 0 and 1 / weight or 1e6)
  return pack_key(k), pack_group(g), k[K_PASS]
end

-- The earliest time at which one of the candidates could carry the request: the time, the reason and
-- the key. Quarantined ones and those too small never can.
local function soonest(win, p, fields, v, now, input, output)
  local opens, reason, opener = math.huge, 0, ''
  for c = 1, #fields, 2 do
    local flight, cool, halted, _, most = struct.unpack(KEY, v[c])
    if halted == 0 then
      local g = read_group(v[c + 1])
      local want_in, want_out = clamp(input, output, g[LIMIT + 2], g[LIMIT + 3], g[LIMIT + 4])
      if want_in then
        local at, why = group_opens(win, p, g, string.sub(fields[c + 1], 3), now, 1, want_in, want_out)
        if cool > at then at, why = cool, 0 end
        if most > 0 and flight >= most and at < now + 1e6 then at, why = now + 1e6, 5 end
        if at < opens then opens, reason, opener = at, why, string.sub(fields[c], 3) end
      end
    end
  end
  return opens, reason, opener
end

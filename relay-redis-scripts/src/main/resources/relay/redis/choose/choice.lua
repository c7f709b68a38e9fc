-- Choosing among candidates. A list holds the records of a key and its group in turn, highest priority first.
-- @uses wire/reasons, state/pool, state/pool_key, state/quota_group, state/records, state/ring, limits/gate, limits/days
-- @uses limits/expected
local choice = {}
local LEAST_LOADED, ROUND_ROBIN, RANDOM, WEIGHTED = 1, 2, 3, 4
local NO_KEY = { 0, 0, 0, 0, 0, 0, 0 }

-- The next pseudo-random number (Park and Miller): exact in doubles.
function choice.draw(seed) return seed * 16807 % 2147483647 end

-- A request's first random number, false if the strategy draws none: requests with different ids draw independently.
function choice.seed_of(r, id)
  return r.pool[STRATEGY] == RANDOM and 1 + tonumber(string.sub(redis.sha1hex(id), 1, 8), 16) % 2147483646
end

-- Input and output as a group counts them, with its day and the group above it; nil if a limit is too small for them, that
-- limit's number, and the limit.
function choice.clamp_all(r, g, input, output)
  local asked = r.pool[ASKED]
  if asked > 1 and g[LIMIT + 1] > 0 and asked > g[LIMIT + 1] then return nil, 1, g[LIMIT + 1] end
  local want_in, want_out, limit = gate.clamp(input, output, g[LIMIT + 2], g[LIMIT + 3], g[LIMIT + 4])
  if not want_in then return nil, want_out, limit end
  local d, over = r.pool[DAY] == 1 and days.of(r, g), records.above(r, g)
  if d then
    if asked > 1 and d[D_LIMIT + 1] > 0 and asked > d[D_LIMIT + 1] then return nil, A_DAY + 1, d[D_LIMIT + 1] end
    if not days.clamp(d, input, output) then return nil, A_DAY + 2, d[D_LIMIT + 2] end
    want_in, want_out = days.clamp(d, want_in, want_out)
  end
  if not over then return want_in, want_out end
  local fits, dimension, most = choice.clamp_all(r, over, input, output)
  if not fits then return nil, dimension, most end
  return choice.clamp_all(r, over, want_in, want_out)
end

-- As `gate.look`, where a day's limits or those of a group above hold, too: all must have room.
local function look_at_all(r, k, g, now, left, input, output)
  local p, over = r.pool, records.above(r, g)
  if over and ring.roll(r.win, p, over, math.floor(now / p[SLOT])) then records.rewrite(r, over) end
  if k[K_STOPPED] > 0 then return 2 end
  local want_in, want_out, limit = choice.clamp_all(r, g, input, output)
  if not want_in then return 3, want_out, limit end
  local state, load = gate.look(p, k, g, now, left, want_in, want_out)
  if state == 1 and p[DAY] == 1 then load = days.load(r, g, now, load, want_in + want_out) end
  if state == 1 and load and over then
    local full
    state, full = gate.look(p, NO_KEY, over, now, left, want_in, want_out)
    load = state == 1 and math.max(load, full)
    if load and p[DAY] == 1 then load = days.load(r, over, now, load, want_in + want_out) end
  end
  if state ~= 1 or not load then return 0 end
  return 1, load, want_in, want_out
end

-- Whether a key's turn is before that of another of the same rank.
local function is_next(k, other, ranked)
  if ranked and k[K_FLIGHT] ~= other[K_FLIGHT] then return k[K_FLIGHT] < other[K_FLIGHT] end
  return k[K_PASS] < other[K_PASS]
end

-- The best candidate for a request: its index in the list, and what to reserve. Among the candidates of the
-- highest priority that can carry it, one of the session's group comes first. Then the strategy decides: the
-- least load, the next turn or the smallest random number. A key's turn is its pass, which grows by 1/weight
-- with each pick; the smallest pass is next. A key without weight is a spare, behind all others of its
-- priority. If none can carry it: nil, the numbers of quarantined and of too small candidates, and the largest
-- limit that is too small, with its dimension. `left`: the share of each limit that the request must leave to others.
function choice.best_of(r, list, request, now, favourite, seed, left)
  local p, input, output = r.pool, request.input, request.output
  left = left or 0
  local strategy, daily, slot = p[STRATEGY], p[DAY] == 1, math.floor(now / p[SLOT])
  local ranked, weighted = strategy == LEAST_LOADED, strategy == WEIGHTED
  local quick = not daily and strategy ~= RANDOM -- a rank is known before the rest
  local free, asked, by_order = 1 - p[KEPT], p[ASKED], favourite or weighted
  local best, best_rank, best_priority, best_order, best_input, best_output
  local stopped, small, dimension, limit = 0, 0, 0, 0
  for c = 1, #list, 2 do
    local k, g = list[c], list[c + 1]
    if g[RECENT] < slot and ring.roll(r.win, p, g, slot) then records.rewrite(r, g) end -- even if this candidate is not chosen
    local rank, state, load, want_in, want_out
    if best then
      if k[K_PRIORITY] < best_priority then break end
      if quick and not g.above and not (ranked and g[MIRRORED] > 0) then
        rank = ranked and gate.load_of(k, g, free, left, input, output, asked) or 0
        if rank > 1 then rank = nil end -- less may count of a request that is larger than a limit
      end
    end
    if not rank then
      if daily or g.above then
        state, load, want_in, want_out = look_at_all(r, k, g, now, left, input, output)
      else
        state, load, want_in, want_out = gate.look(p, k, g, now, left, input, output)
      end
      if state == 1 then
        if strategy == RANDOM then seed = choice.draw(seed) end
        rank = ranked and load or strategy == RANDOM and seed or 0
      elseif state == 2 then
        stopped = stopped + 1
      elseif state == 3 then
        small = small + 1
        if want_in > limit then dimension, limit = load, want_in end
      end
    end
    if rank then
      local order = 0
      if by_order then -- a spare is last
        order = (weighted and k[K_WEIGHT] == 0 and 2 or 0) + (favourite and g.field ~= favourite and 1 or 0)
      end
      local better = not best or order < best_order or order == best_order
        and (rank < best_rank or rank == best_rank and is_next(k, list[best], ranked))
      if better and not state then
        if not ranked then
          state, load, want_in, want_out = gate.look(p, k, g, now, left, input, output)
        elseif k[K_STOPPED] == 0 and k[K_COOL] <= now and g[COOL] <= now and gate.paced(p, g, now, left, input, output, rank) then
          state, want_in, want_out = 1, input, output
        end
      end
      if better and state == 1 then
        best, best_rank, best_priority, best_order, best_input, best_output = c, rank, k[K_PRIORITY], order, want_in, want_out
      end
    end
  end
  if best then return best, best_input, best_output end
  return nil, stopped, small, dimension, limit
end

-- Whether quarantine alone keeps one of these candidates from carrying the request.
function choice.is_kept_from(r, list, request)
  for c = 1, #list, 2 do
    if list[c][K_STOPPED] > 0 and choice.clamp_all(r, list[c + 1], request.input, request.output) then return true end
  end
  return false
end

-- Charges a grant to the records of its key and groups; its lease has had them written. Without `spread` the provider
-- charges the output at admission.
function choice.take(r, k, g, now, input, output, spread)
  local p = r.pool
  repeat
    quota_group.flow(p, g, now)
    quota_group.charge(g, p[ASKED], input, spread and 0 or output)
    expected.relax(g, now)
    if spread then expected.expect(g, output, spread * spread, 0) end
    if p[DAY] == 1 then days.charge(r, g, now, p[ASKED], input + output) end
    g = g.above and records.above(r, g)
  until not g
  -- a key that was unusable for a while does not catch up
  local turn = math.max(k[K_PASS], p[TURN])
  local weight = p[STRATEGY] == WEIGHTED and k[K_WEIGHT] or 1
  p[TURN] = turn
  k[K_PASS] = turn + (weight > 0 and 1 / weight or 1)
end

-- When a key is free whose group opens then, for that reason. It is full until a lease ends, which is unknown.
function choice.key_opens(k, now, at, why)
  if k[K_STOPPED] > 0 then return math.huge, 0 end
  if k[K_COOL] > at then at, why = k[K_COOL], 0 end
  if k[K_MAX] > 0 and k[K_FLIGHT] >= k[K_MAX] and at < now + 1e6 then at, why = now + 1e6, CONCURRENCY end
  return at, why
end

-- The earliest time at which a candidate can carry the request, and the reason. `math.huge` if it never can: it
-- is quarantined or too small. A time beyond `most` may be later than the earliest. `known`: the times of groups as they are now.
function choice.able_at(r, k, g, request, now, most, known)
  local want_in, want_out = choice.clamp_all(r, g, request.input, request.output)
  if k[K_STOPPED] > 0 or not want_in then return math.huge, 0 end
  local at, why = now, 0
  repeat
    local its, opens, reason = known and known[g], nil, nil
    if its and its[1] == want_in and its[2] == want_out then opens, reason = its[3], its[4] else
      opens, reason = gate.group_opens(r, g, now, most, want_in, want_out)
      if r.pool[DAY] == 1 then opens, reason = days.opens(r, g, now, opens, reason, want_in + want_out) end
      if known and opens <= most then known[g] = { want_in, want_out, opens, reason } end
    end
    if opens > at then at, why = opens, reason end
    g = records.above(r, g)
  until not g
  return choice.key_opens(k, now, at, why)
end

-- The earliest of these times over all candidates: the time, the reason, the key and the group.
function choice.soonest(r, list, request, now)
  local opens, reason, opener, group = math.huge, 0, '', list[2]
  for c = 1, #list, 2 do
    local at, why = choice.able_at(r, list[c], list[c + 1], request, now, opens)
    if at < opens then opens, reason, opener, group = at, why, list[c].id, list[c + 1] end
  end
  return opens, reason, opener, group
end

-- Returns the candidate in shadow mode that is free soonest, and the reason why it is not free now: the dimension if it never can
-- carry the request. Nil if all are quarantined.
function choice.shadowed(r, list, request, now)
  local best, opens, reason
  for _, c in ipairs(list.shadow or {}) do
    local k, g = list[c], list[c + 1]
    if k[K_STOPPED] == 0 then
      local at, why = choice.able_at(r, k, g, request, now, math.huge)
      if not best or at < opens then
        if at == math.huge then
          local _, dimension = choice.clamp_all(r, g, request.input, request.output)
          why = dimension
        end
        best, opens, reason = c, at, why
      end
    end
  end
  return best, reason
end

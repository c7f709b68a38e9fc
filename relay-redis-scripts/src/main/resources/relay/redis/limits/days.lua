-- Limits a day, beside those of the window: of requests, and of input and output tokens together. Only a group that has
-- such limits has a record of its day, field `day:<group>` of the state. It is charged when the window is, and corrected
-- when a lease ends; usage beyond the reservation counts at that time. A day is not paced.
--
-- A rolling day is the present slot of ten minutes and the 144 before it. The oldest counts whole, so no 24 hours ever
-- exceed the limit, and usage leaves at most ten minutes late. Closed slots are in field `slots:<group>`, oldest first.
--
-- A calendar's day begins anew at times that the plan states: field `day` of the state has them, or `rolling`. From each
-- of these times on a day has 24 hours; the last one before the next of them may be shorter or longer, as days are on
-- which clocks change.
-- @uses wire/reasons, state/pool, state/records
local days = {}
local TEN_MINUTES_US, OF_DAY = 600e6, 144
local D_LIMIT, D_USED, D_NOW = 0, 2, 4 -- + 1 requests, + 2 tokens; D_NOW: in the present slot
local D_FROM, D_ENDS = 7, 8 -- the present slot's number, or the calendar's day's beginning; when another begins
local RECORD, ENTRY, NONE = '<dddddddd', '<dd', '\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0'

local function pack(d) return struct.pack(RECORD, unpack(d, 1, 8)) end

function days.hold(g, d)
  d.field, d.pack, d.moved = 'day:' .. g.id, pack, 0
  g.day = d
  return d
end

-- A group's record; false if it has no limits a day. Callers know that the pool has some.
function days.of(r, g)
  if g.day == nil then
    local packed = redis.call('HGET', r.state, 'day:' .. g.id)
    g.day = packed and days.hold(g, { struct.unpack(RECORD, packed) }) or false
  end
  return g.day
end

-- The times at which the calendar's runs of days begin; none if days roll.
function days.starts(r)
  if not r.starts then
    r.starts = {}
    for start in string.gmatch(redis.call('HGET', r.state, 'day') or '', '%d+') do r.starts[#r.starts + 1] = start + 0 end
  end
  return r.starts
end

-- The beginning and the end of the day at a time: of the calendar's, or the number of a rolling day's slot and its end.
function days.period(r, at)
  local starts = days.starts(r)
  local n = #starts
  if n == 0 then
    local slot = math.floor(at / TEN_MINUTES_US)
    return slot, (slot + 1) * TEN_MINUTES_US
  end
  while n > 1 and starts[n] > at do n = n - 1 end
  local first, next_first = starts[n], starts[n + 1]
  local day, last = math.floor((at - first) / A_DAY_US), math.huge
  if next_first then last = math.floor((next_first - first) / A_DAY_US + 0.5) - 1 end
  if day >= last then return first + last * A_DAY_US, next_first end
  return first + day * A_DAY_US, first + (day + 1) * A_DAY_US
end

-- Moves the present slot of a rolling day behind the closed ones, and takes away those that leave.
local function close(r, g, d, slot)
  local field, steps = 'slots:' .. g.id, slot - d[D_FROM]
  if d[D_USED + 1] == 0 and d[D_USED + 2] == 0 then return end -- then all closed slots are empty
  if steps > OF_DAY then
    d[D_USED + 1], d[D_USED + 2] = 0, 0
    redis.call('HDEL', r.state, field)
    return
  end
  local closed = redis.call('HGET', r.state, field) or string.rep(NONE, OF_DAY)
  for n = 0, steps - 1 do
    local requests, tokens = struct.unpack(ENTRY, closed, 16 * n + 1)
    d[D_USED + 1], d[D_USED + 2] = d[D_USED + 1] - requests, d[D_USED + 2] - tokens
  end
  redis.call('HSET', r.state, field, string.sub(closed, 16 * steps + 1)
    .. struct.pack(ENTRY, d[D_NOW + 1], d[D_NOW + 2]) .. string.rep(NONE, steps - 1))
end

-- Begins another slot, or another day of the calendar, when its time has come.
function days.roll(r, g, d, now)
  if now < d[D_ENDS] then return end
  local from, ends = days.period(r, now)
  if #days.starts(r) == 0 then
    close(r, g, d, from)
  else
    d[D_USED + 1], d[D_USED + 2] = 0, 0
  end
  d[D_NOW + 1], d[D_NOW + 2], d[D_FROM], d[D_ENDS] = 0, 0, from, ends
  records.rewrite(r, d)
end

-- Reserves, or charges what was used beyond a reservation.
function days.charge(r, g, now, requests, tokens)
  local d = days.of(r, g)
  if not d then return end
  days.roll(r, g, d, now)
  d[D_USED + 1], d[D_NOW + 1] = d[D_USED + 1] + requests, d[D_NOW + 1] + requests
  d[D_USED + 2], d[D_NOW + 2] = d[D_USED + 2] + tokens, d[D_NOW + 2] + tokens
  records.rewrite(r, d)
end

-- Refunds a part of what was reserved at `since`, in its slot, as long as that counts.
local function refund(r, g, d, since, requests, tokens)
  local from, slot = d[D_FROM], days.period(r, since)
  if slot >= from then
    requests, tokens = math.min(requests, d[D_NOW + 1]), math.min(tokens, d[D_NOW + 2])
    d[D_NOW + 1], d[D_NOW + 2] = d[D_NOW + 1] - requests, d[D_NOW + 2] - tokens
  else
    local counts = #days.starts(r) == 0 and slot >= from - OF_DAY
    local closed = counts and redis.call('HGET', r.state, 'slots:' .. g.id)
    if not closed then return end
    local at = 16 * (slot - from + OF_DAY)
    local q, t = struct.unpack(ENTRY, closed, at + 1)
    requests, tokens = math.min(requests, q), math.min(tokens, t)
    redis.call('HSET', r.state, 'slots:' .. g.id, string.sub(closed, 1, at)
      .. struct.pack(ENTRY, q - requests, t - tokens) .. string.sub(closed, at + 17))
  end
  d[D_USED + 1], d[D_USED + 2] = d[D_USED + 1] - requests, d[D_USED + 2] - tokens
  records.rewrite(r, d)
end

-- Replaces what was reserved at `since` by what was used: `requests` and `tokens` more, or fewer if negative.
function days.settle(r, g, since, now, requests, tokens)
  local d = days.of(r, g)
  if not d then return end
  days.charge(r, g, now, math.max(0, requests), math.max(0, tokens))
  if requests < 0 or tokens < 0 then refund(r, g, d, since, math.max(0, -requests), math.max(0, -tokens)) end
end

-- The tokens of a request as its day counts them, as `gate.clamp`: nil if they are too many for it.
function days.clamp(d, input, output)
  local most = d[D_LIMIT + 2]
  if most == 0 or input + output <= most then return input, output end
  if input + output > 2 * most then return end
  input = math.min(input, most)
  return input, most - input
end

-- The larger of `load` and the load of the group's day with a request of `tokens`; nil if the day has no room.
function days.load(r, g, now, load, tokens)
  local d = days.of(r, g)
  if not d then return load end
  days.roll(r, g, d, now)
  for n = 1, 2 do
    local most, cost = d[D_LIMIT + n], n == 1 and r.pool[ASKED] or tokens
    if most > 0 and cost > 0 then
      local full = d[D_USED + n] + cost
      if full > most then return nil end
      load = math.max(load, full / most)
    end
  end
  return load
end

-- When usage leaves so that the day has room for this, if no more comes.
local function room_at(r, g, d, n, cost)
  if #days.starts(r) > 0 then return d[D_ENDS] end
  local closed = redis.call('HGET', r.state, 'slots:' .. g.id)
  local over = d[D_USED + n] + cost - d[D_LIMIT + n]
  for gone = 1, closed and OF_DAY or 0 do
    local requests, tokens = struct.unpack(ENTRY, closed, 16 * gone - 15)
    over = over - (n == 1 and requests or tokens)
    if over <= 0 then return (d[D_FROM] + gone) * TEN_MINUTES_US end
  end
  return (d[D_FROM] + OF_DAY + 1) * TEN_MINUTES_US
end

-- The time from which on a request has room in its day, and why, if that is later than `opens`.
function days.opens(r, g, now, opens, reason, tokens)
  local d = days.of(r, g)
  if not d then return opens, reason end
  days.roll(r, g, d, now)
  for n = 1, 2 do
    local cost = n == 1 and r.pool[ASKED] or tokens
    if d[D_LIMIT + n] > 0 and cost > 0 and d[D_USED + n] + cost > d[D_LIMIT + n] then
      local at = room_at(r, g, d, n, cost)
      if at > opens then opens, reason = at, A_DAY + n end
    end
  end
  return opens, reason
end

-- What a group's line of the readable picture has of its day.
function days.line(d)
  local line = ''
  for n, name in ipairs({ ' rpd', ' tpd' }) do
    if d[D_LIMIT + n] > 0 then line = line .. string.format('%s %.0f/%.0f', name, d[D_USED + n], d[D_LIMIT + n]) end
  end
  return line
end

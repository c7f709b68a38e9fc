-- Which of its client's promises a request claims; and whether a queue lends a newcomer the room that is left. It does if all
-- promises are of one client, which divides its room as it likes.
-- @uses pool, line, at_most
local MOST_HELD_US, PARTS = 5e6, 12 -- of a window
local HELD_SLOTS = 2 -- so long only the request that left a promise may claim it, at most a quarter of a second
local FEW = 4 -- promises. With no more, none is held for the request that left it: one that comes late soon finds room

-- A request that waits takes its client's first promise, in exchange for its own, if nobody has asked for that in time: a replica
-- asks for its first request only, so a place before that, or of a request that is gone, would be nobody's.
function line.exchanged(c, mine, now)
  local its, first, ticket = c.promises, mine, mine.ticket
  for n = 1, math.min(#its, MOST_LOOKED_AT) do
    local one = its[n]
    local before = one.rank < first.rank or one.rank == first.rank and one.tag < first.tag
    if before and one.told + GRACE_US <= now then first = one end
  end
  if first ~= mine then
    local other = first.ticket
    line.give(first, nil)
    line.give(mine, other)
    line.give(first, ticket)
  end
  return first
end

-- From when on a request may claim a promise: its own, or one without a mark, from the time that was told; that of another request
-- of its client later, so that this comes first. If most of its client's requests do not come back, none is waited for: of a
-- client alone also not the margin in which those before it may come.
function line.claimable_at(one, ask, c, slot)
  if one.mark == ask.mark or not (one.mark and ask.mark) then return one.told end
  if c.faith < 0.5 then return one.told - (ask.lends and MARGIN * slot or 0) end
  return #c.promises <= FEW and one.told or one.told + math.min(LEAST_GRACE_US, HELD_SLOTS * slot)
end

-- Whether a request may claim a promise as soon as its time has come.
function line.is_of(one, ask, c, slot) return line.claimable_at(one, ask, c, slot) <= one.told end

-- The promise that a request claims: that for which it waits, else the first of its client's that it may claim, and for which no
-- replica waits: its own before any other, and one that was kept for another request last. Of a rank with a floor one that has a
-- part of that. Also its own, if that is the only one, a little too early: if most of the time has passed that was told.
function line.claimed(c, ask, now, slot)
  local mine, its, first, ripe, late = c.tickets[ask.ticket], c.promises, nil, nil, nil
  if mine then return line.exchanged(c, mine, now) end
  local soon = now + MARGIN * slot -- no request may claim a promise with a later time
  for n = 1, #its do
    local one = its[n]
    -- it was told when to ask again, and not when its place comes
    if n > MOST_LOOKED_AT and (first or one.at_most) then break end
    local is_near = not one.ticket and one.told <= soon
    local from = is_near and line.claimable_at(one, ask, c, slot) or math.huge
    if from <= now then
      if from > one.told then
        if not late or one.rank < late.rank then late = one end
      elseif one.rank > 0 and ask.floor > 0 then
        ripe = ripe or one
      elseif one.mark == ask.mark then
        return one
      else
        first = first or one
      end
    end
  end
  if first or ripe or late then return first or ripe or late end
  local only = #its == 1 and not its[1].ticket and line.is_of(its[1], ask, c, slot) and its[1]
  return only and only.told - now <= 4 * slot and now - only.since >= only.told - now and only or nil
end

-- The promise that a request claims: for a place on a key also its client's first one before it was told, once there is one.
function line.claimed_place(l, c, list, ask, now, slot)
  local mine, first = line.claimed(c, ask, now, slot), c.promises[1]
  if mine or not first or not first.at_most or first.ticket then return mine end
  return not line.lacks_place(l, list, line.place_of(l.order, first) - 1, now) and first or nil
end

-- Whether a newcomer may have the room that is left: no promise is due soon that it may not claim, no replica waits for one, and
-- none was claimed in vain. Otherwise a client that polls would take the room of each promise just before its time, and small
-- requests that of a large one for ever.
function line.is_left(l, c, ask, now, p)
  local till = now + math.min(p[WINDOW] / PARTS, MOST_HELD_US)
  for _, one in ipairs(l.due) do
    if one.from > till then break end
    local is_open = one.of == c and line.claimable_at(one, ask, c, p[SLOT]) <= now
    if one.ticket or one.came or one.told <= till and not is_open then return false end
  end
  return true
end

-- The promise that a newcomer's grant uses up: the first that is no larger. The request that left it gets another time.
function line.first_of(c, input, output)
  for n = 1, math.min(#c.promises, MOST_LOOKED_AT) do
    local one = c.promises[n]
    if one.input <= input and one.output <= output and not one.ticket then return one end
  end
end

-- Which promise a request claims: its own. If it has none, it may stand at the place of one of its client's that is late: that
-- place is lent until others have had as much as it is for, and is kept for the request that left it. A queue whose promises are
-- all of one client also lends room that nobody is about to need: the client divides its room as it likes.
-- @uses state/pool, queue/queue
local claim = {}
local SOON_US, PARTS = 5e6, 12 -- of a window
local SHARED_US = 1e6
local HELD_SLOTS = 2 -- so long a place is not lent, at most a quarter of a second
local FEW = 4 -- promises. Of no more, each is lent at its time: one that comes late soon finds room
local SPARE = 0.005 -- of a limit: one late place of at most this size stays unlent, so that a request that comes late finds room

-- A request that waits takes its client's first promise, in exchange for its own, if nobody has asked for that in time: a replica
-- asks for its first request only, so a place before that, or of a request that is gone, would be nobody's.
local function exchanged(c, mine, now)
  for n = 1, math.min(#c.promises, MOST_LOOKED_AT) do
    local one = c.promises[n]
    if one == mine then break end
    if one.told + GRACE_US <= now then
      local ticket, other = mine.ticket, one.ticket
      queue.give(one, nil)
      queue.give(mine, other)
      queue.give(one, ticket)
      return one
    end
  end
  return mine
end

-- Whether a promise was left by a request of about this size: of tokens and, if either is for several, of requests.
local function is_alike(one, tokens, asked)
  local its = one.input + one.output
  return its <= 2 * tokens and tokens <= 2 * its and one.count <= 2 * asked and asked <= 2 * one.count
end

-- Several senders have one mark, if a request comes whose mark was just granted a place. So none is taken for an early retry.
local function note_shared(c, ask, now)
  if ask.mark and ask.mark == c.granted_mark and now - c.granted_mark_at < SHARED_US and not c.shared[ask.mark] then
    if c.shares >= MOST_LOOKED_AT then c.shared, c.shares = {}, 0 end
    c.shared[ask.mark], c.shares = true, c.shares + 1
  end
end

-- The promise that a request left. Its mark tells: of several with one mark the first whose time has come, one that is lent last;
-- before that time if no other has its mark. A first try claims none of several. Where many with one mark wait, a request that
-- comes early takes the one that was told its time longest ago: else those that poll would each time leave another promise. Of
-- requests without a mark it is the only one, also a little too early: if most of the time has passed.
local function own_promise(c, ask, now, slot, tokens, asked)
  local mine, its = c.tickets[ask.ticket], c.marks[ask.mark or '']
  if mine then return exchanged(c, mine, now) end
  note_shared(c, ask, now)
  if not its then return end
  local first, late, next_one, oldest, count = nil, nil, nil, nil, 0
  for n = 1, #its do
    local one = its[n]
    if n > MOST_LOOKED_AT and (first or one.at_most) then break end -- it was told when to ask, and not when its place comes
    if not one.ticket and is_alike(one, tokens, asked) then
      count = count + 1
      if one.told > now then
        if not next_one or one.told < next_one.told then next_one = one end
        if not oldest or one.since < oldest.since then oldest = one end
      elseif one.lent then
        late = late or one
      elseif ask.floor == 0 or one.rank == 0 or ask.mark then
        first = one
        break
      else
        first = first or one
      end
    end
  end
  first = first or late
  if ask.is_new and first and #its > 1 then return end
  if first or not next_one then return first end
  if ask.mark then
    if count == 1 and not c.shared[ask.mark] then return next_one end
    return count >= MOST_LOOKED_AT and not ask.is_new and oldest or nil
  end
  return #c.promises == 1 and next_one.told - now <= 4 * slot and now - next_one.since >= next_one.told - now and next_one or nil
end

-- The promise at whose place a request may stand that has none: the first whose owner is late. Where most do not come in time,
-- none is waited for, nor the margin in which those before it may come.
local function late_promise(c, ask, now, slot)
  local its, first = c.promises, nil
  local late, spared = now - (#its <= FEW and 0 or math.min(LEAST_GRACE_US, HELD_SLOTS * slot)), c.faith < 0.5
  if spared then late = now + MARGIN * slot end
  for n = 1, #its do
    local one = its[n]
    if n > MOST_LOOKED_AT and (first or one.at_most) then break end
    if not one.lent and not one.ticket and one.told <= late then
      if one.cost <= SPARE and not spared and one.mark then
        spared = true
      elseif one.rank == 0 or ask.floor == 0 then
        return one
      else
        first = first or one
      end
    end
  end
  return first
end

-- The place of a request in its client's order: its own promise, else one that it is lent, if it may borrow. `has_come` tells of the
-- client's first promise whether its place on a key, or its room, has come before it was told.
function claim.stands_at(c, ask, now, p, tokens, borrows, has_come)
  local slot, asked = p[SLOT], p[ASKED]
  local mine, first = own_promise(c, ask, now, slot, tokens, asked), c.promises[1]
  if mine or not first or not borrows then return mine end
  local lent = late_promise(c, ask, now, slot)
  if lent or first.ticket or first.lent or not has_come(first) then return nil, lent end
  if not first.mark and not ask.mark and is_alike(first, tokens, asked) then return first end
  return nil, first
end

-- Whether a newcomer may have the room that is left: no promise is due soon, no replica waits for one, and none was claimed in
-- vain at its time. Otherwise small requests would take the room of a large one for ever.
function claim.is_left(l, now, p)
  local till = now + math.min(p[WINDOW] / PARTS, SOON_US)
  for _, one in ipairs(l.due) do
    if one.from > till then break end
    if one.ticket or one.came or one.told <= till then return false end
  end
  return true
end

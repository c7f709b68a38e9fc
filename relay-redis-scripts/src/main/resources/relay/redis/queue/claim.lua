-- Finds the promise that a request claims: the one that it left. A request that has none may borrow the place of a late request of
-- its client. That place is lent until other requests have had as much as it is for, and stays for the request that left it. Where
-- one client is alone in a queue, room that no promise needs soon is lent, too: the client divides its room as it likes.
-- @uses state/pool, queue/queue
local claim = {}
local SOON_US, PARTS = 5e6, 12 -- of a window
local SHARED_US = 1e6
local UNLENT_SLOTS = 2 -- the time after its retry time for which a place is not lent; at most a quarter of a second
local FEW = 4 -- promises. A client that has no more lends each at its retry time: a late request soon finds room
local SPARE = 0.005 -- of a limit: one late place of at most this size stays unlent, so that a late request finds room

-- Exchanges the promise of a request that waits in a replica for its client's first promise, if no request asked for that in time. A
-- replica asks for its first request only: a place before that, or one whose request is gone, would be used by none.
local function exchanged(c, claimed, now)
  for n = 1, math.min(#c.promises, MOST_LOOKED_AT) do
    local promise = c.promises[n]
    if promise == claimed then break end
    if promise.retry_at + GRACE_US <= now then
      local ticket, other = claimed.ticket, promise.ticket
      queue.give(promise, nil)
      queue.give(claimed, other)
      queue.give(promise, ticket)
      return promise
    end
  end
  return claimed
end

-- Returns whether a promise is for about this size: in tokens and, if it or the request is for several, in requests.
local function is_alike(promise, tokens, asked)
  local size = promise.input + promise.output
  return size <= 2 * tokens and tokens <= 2 * size and promise.requests <= 2 * asked and asked <= 2 * promise.requests
end

-- Notes that several senders share a mark: a request has the mark of one that was granted just now. No early retry is assumed then.
local function note_shared(c, share, now)
  if share.mark and share.mark == c.granted_mark and now - c.granted_mark_at < SHARED_US and not c.shared[share.mark] then
    if c.shared_count >= MOST_LOOKED_AT then c.shared, c.shared_count = {}, 0 end
    c.shared[share.mark], c.shared_count = true, c.shared_count + 1
  end
end

-- Finds the promise that a request left, by its ticket or mark. With one mark there may be several:
--  - a request at or after a retry time claims the first promise whose time has come, a lent one last;
--  - an early request claims the only promise with its mark; of very many it claims the oldest, or each poll would leave another one;
--  - a first try claims none of several.
-- A request without a mark claims its client's only promise: at its time, or a few slots early if at least half of the wait is over.
local function promise_left(c, share, now, slot, tokens, asked)
  local claimed, marked = c.tickets[share.ticket], c.marks[share.mark or '']
  if claimed then return exchanged(c, claimed, now) end
  note_shared(c, share, now)
  if not marked then return end
  local first, late, next_one, oldest, count = nil, nil, nil, nil, 0
  for n = 1, #marked do
    local promise = marked[n]
    if n > MOST_LOOKED_AT and (first or promise.waits_for_end) then break end -- it was told when to ask, and not when its place comes
    if not promise.ticket and is_alike(promise, tokens, asked) then
      count = count + 1
      if promise.retry_at > now then
        if not next_one or promise.retry_at < next_one.retry_at then next_one = promise end
        if not oldest or promise.promised_at < oldest.promised_at then oldest = promise end
      elseif promise.lent then
        late = late or promise
      elseif share.floor == 0 or promise.rank == 0 or share.mark then
        first = promise
        break
      else
        first = first or promise
      end
    end
  end
  first = first or late
  if share.is_new and first and #marked > 1 then return end
  if first or not next_one then return first end
  if share.mark then
    if count == 1 and not c.shared[share.mark] then return next_one end
    return count >= MOST_LOOKED_AT and not share.is_new and oldest or nil
  end
  return #c.promises == 1 and next_one.retry_at - now <= 4 * slot and now - next_one.promised_at >= next_one.retry_at - now and next_one or nil
end

-- Finds the place that a request without a promise may borrow: the first whose own request is late. A client whose requests mostly
-- come late lends its places at once, and even a slot before their retry times.
local function late_promise(c, share, now, slot)
  local all, first = c.promises, nil
  local late, spared = now - (#all <= FEW and 0 or math.min(LEAST_GRACE_US, UNLENT_SLOTS * slot)), c.return_rate < 0.5
  if spared then late = now + MARGIN * slot end
  for n = 1, #all do
    local promise = all[n]
    if n > MOST_LOOKED_AT and (first or promise.waits_for_end) then break end
    if not promise.lent and not promise.ticket and promise.retry_at <= late then
      if promise.cost <= SPARE and not spared and promise.mark then
        spared = true
      elseif promise.rank == 0 or share.floor == 0 then
        return promise
      else
        first = first or promise
      end
    end
  end
  return first
end

-- Returns the promise that a request claims, or else nil and the promise whose place it may borrow, if `borrows`. `is_early` tells
-- whether the client's first promise can be served before its retry time: its room, or concurrency of a key, is free.
function claim.place_of(c, share, now, p, tokens, borrows, is_early)
  local slot, asked = p[SLOT], p[ASKED]
  local claimed, first = promise_left(c, share, now, slot, tokens, asked), c.promises[1]
  if claimed or not first or not borrows then return claimed end
  local borrowed = late_promise(c, share, now, slot)
  if borrowed or first.ticket or first.lent or not is_early(first) then return nil, borrowed end
  if not first.mark and not share.mark and is_alike(first, tokens, asked) then return first end
  return nil, first
end

-- Returns whether a request without a promise may have the room that is left: no promise is due soon, no replica waits for one, and
-- none was claimed in vain at its retry time. Otherwise small requests would take the room of a large one for ever.
function claim.is_room_left(q, now, p)
  local till = now + math.min(p[WINDOW] / PARTS, SOON_US)
  for _, promise in ipairs(q.due) do
    if promise.reserves_from > till then break end
    if promise.ticket or promise.was_in_vain or promise.retry_at <= till then return false end
  end
  return true
end

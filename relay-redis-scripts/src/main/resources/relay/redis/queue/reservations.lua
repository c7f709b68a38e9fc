-- Reserves room for promises, lends their places, and lets promises lapse.
--
-- A promise reserves its capacity gradually: nothing until that capacity starts to return, all of it at the retry time. Other free
-- capacity goes to any request that asks: requests did not take it up, or gave it back. So does the capacity of a lent place. A
-- promise for which a replica waits reserves all of it from the start: its request is there. `due` has the promises by the time
-- from which they may reserve.
-- @uses state/pool, state/quota_group, queue/queue, queue/promises
local reservations = {}
local AWAY_US = 2e6 -- a replica where a request waits asks each second

-- Returns whether a lent place keeps room for its own request, too: in a bucket, for what a window leaves free is lost.
local function keeps_room(promise) return promise.group[MIRRORED] > 0 end

-- Sums what the promises before a request reserve, by group; nil if nothing. A window has room for whole requests only.
function reservations.before(r, share, now)
  local sums, rank, tag, p, borrowed = nil, share.rank, share.tag, r.pool, share.borrowed
  local its = share.claimed or borrowed
  local serial, early = its and its.serial or math.huge, MARGIN * p[SLOT]
  if borrowed and keeps_room(borrowed) then its = nil end
  for _, promise in ipairs(share.queue.due) do
    if promise.reserves_from > now then break end
    if promise ~= its
      and (promise.rank < rank or promise.rank == rank and (promise.tag < tag or promise.tag == tag and promise.serial <= serial)) then
      local waits = promise.ticket and promise.client.waited_at >= now - AWAY_US
      local part = waits and 1 or math.min(1, 1 - (promise.retry_at - early - now) / promise.reserves_us)
      if part > 0 then
        sums = sums or {}
        queue.add(sums, promise, part, promise.group[MIRRORED] == 0 and math.floor(part * promise.requests) or part * promise.requests)
      end
    end
  end
  return sums
end

-- A client's grace: how long a promise keeps its room after its retry time.
local function grace(c)
  return math.max(LEAST_GRACE_US, c.grace_factor * math.max(GRACE_US, math.min(MOST_GRACE_US, 8 * c.ask_interval)))
end

-- The time until which a promise that is not lent keeps its room. The grace begins anew with each request of the client: until the
-- place ends, if the promise has a mark, for then only a request with this mark comes for it.
local function room_until(promise)
  local c, kept = promise.client, grace(promise.client)
  local seen_at = promise.ticket and c.waited_at or c.asked_at
  local anew = promise.mark and not promise.ticket and math.min(seen_at + kept, promise.place_until) or seen_at + kept
  return math.max(promise.retry_at + kept, anew)
end

-- Lends a promise's place: it keeps its place in the order, but no room.
local function lend(q, promise)
  promises.unset(q, promise)
  q.lent_count = q.lent_count + 1
  promise.lent = true
end

-- Another request uses a part of a place. The place moves back by that, until all of it is used: then it is lent.
function reservations.lend_part(q, promise, part)
  promise.used_by_others = promise.used_by_others + part
  if promise.used_by_others < promise.advance - 1e-9 then return promises.move(q, promise, promise.rank, promise.tag + part) end
  if not promise.lent then lend(q, promise) end
  promise.used_by_others, promise.client.tag = promise.advance, promise.client.tag + promise.used_by_others - promise.advance
end

-- The first place of a promise's client that is neither lent nor the promise's own.
local function next_place(promise)
  for _, other in ipairs(promise.client.promises) do
    if other ~= promise and not other.lent and not other.ticket then return other end
  end
end

-- A request comes back to a place that others have used. It moves to its client's next place, for those before are used up. A client
-- that is alone owes no other client fairness.
function reservations.put_back(q, share, promise)
  local first = promise.used_by_others > 0 and not share.is_alone and next_place(promise)
  share.used_place = first
  if first and first.rank == promise.rank and first.tag > promise.tag then promises.move(q, promise, promise.rank, first.tag - 1e-9) end
end

-- A request that came back is granted: it uses up its client's next place, or one at the end of the queue.
function reservations.make_up(q, share, promise)
  if share.used_place then
    reservations.lend_part(q, share.used_place, promise.used_by_others)
  else
    promise.client.tag = promise.client.tag + promise.used_by_others
  end
end

-- Lends the places of requests that are late, and forgets promises that have lapsed. A client's places are lent one after the other:
-- later ones may be late because the pool is, and the client may just have paused.
function reservations.let_go(q, now)
  local gone, first, lent = {}, math.huge, {} -- `lent`: by client, how many of its places
  for _, promise in ipairs(q.order) do
    local before = lent[promise.client] or 0
    local until_time = promise.lent and promise.place_until or room_until(promise) + before * LEAST_GRACE_US
    if until_time < now and not promise.lent then
      lend(q, promise)
      promise.client.return_rate = 0.8 * promise.client.return_rate
      lent[promise.client], until_time = before + 1, promise.place_until
    end
    if until_time < now then gone[#gone + 1] = promise elseif until_time < first then first = until_time end
  end
  for c in pairs(lent) do c.grace_factor = 0.8 * c.grace_factor end -- until it asks again
  for _, promise in ipairs(gone) do promises.forgo(q, promise) end
  if #q.order == 0 then q.sums = {} end -- of groups that may be gone
  q.lapse_at = math.max(first, now + LAPSES_US)
end

-- How much room promises hold, and for how long.
--
-- A promise reserves its capacity gradually: nothing until that capacity starts to return, all of it at the promised time. Other
-- free capacity, which requests did not take up or gave back, goes to any request that asks. So does the capacity of a place that is
-- lent. A promise for which a replica waits reserves all from the start: its request is there. `due` has the promises by the time
-- from which they may reserve.
-- @uses state/pool, state/quota_group, queue/queue, queue/promises
local reservations = {}
local AWAY_US = 2e6 -- a replica where a request waits asks each second

-- Whether a lent place also keeps room for the request that left it: in a bucket, for what a window leaves free is lost.
local function keeps_room(one) return one.group[MIRRORED] > 0 end

-- What those before a request hold, by group; nil if nothing. A window has room for whole requests only.
function reservations.before(r, ask, now)
  local sums, rank, tag, p, lent = nil, ask.place, ask.tag, r.pool, ask.lent
  local its = ask.mine or lent
  local made, early = its and its.made or math.huge, MARGIN * p[SLOT]
  if lent and keeps_room(lent) then its = nil end
  for _, one in ipairs(ask.line.due) do
    if one.from > now then break end
    if one ~= its and (one.rank < rank or one.rank == rank and (one.tag < tag or one.tag == tag and one.made <= made)) then
      local waits = one.ticket and one.of.asked >= now - AWAY_US
      local part = waits and 1 or math.min(1, 1 - (one.told - early - now) / one.comes)
      if part > 0 then
        sums = sums or {}
        queue.add(sums, one, part, one.group[MIRRORED] == 0 and math.floor(part * one.count) or part * one.count)
      end
    end
  end
  return sums
end

-- How long a promise holds its room after its time.
local function grace(c)
  return math.max(LEAST_GRACE_US, c.trust * math.max(GRACE_US, math.min(MOST_GRACE_US, 8 * c.gap)))
end

-- Until when a promise holds its room, if that is not lent: for as long as its client asks.
local function held_till(one)
  local told, asked = one.told, one.of.asked
  return (told > asked and told or asked) + grace(one.of)
end

-- A promise holds no room any longer. Its place is kept.
local function lend(l, one)
  promises.unset(l, one)
  l.lent = l.lent + 1 -- promises that have lent their places
  one.lent = true
end

-- Another request of the client uses a part of a place. The place moves back by that, until nothing is left of it.
function reservations.lend_part(l, one, part)
  one.had = one.had + part
  if one.had < one.part - 1e-9 then return promises.move(l, one, one.rank, one.tag + part) end
  if not one.lent then lend(l, one) end
  one.had, one.of.tag = one.part, one.of.tag + one.had - one.part
end

-- A client's first place that is not lent, other than that of a promise.
local function next_place(one)
  for _, other in ipairs(one.of.promises) do
    if other ~= one and not other.lent and not other.ticket then return other end
  end
end

-- A request comes back to a place that others have used. It moves to its client's next place, for those before are used up.
-- A client that is alone has nobody to be fair to.
function reservations.put_back(l, ask, one)
  local first = one.had > 0 and not ask.lends and next_place(one)
  ask.uses = first
  if first and first.rank == one.rank and first.tag > one.tag then promises.move(l, one, one.rank, first.tag - 1e-9) end
end

-- Such a request is granted: it uses up its client's next place, or one at the end of the queue.
function reservations.make_up(l, ask, one)
  if ask.uses then reservations.lend_part(l, ask.uses, one.had) else one.of.tag = one.of.tag + one.had end
end

-- Lends the places of requests that did not come, and then lets go of them. Those of one client one after the other: the later
-- ones may be late because the pool is, and their client may just have paused.
function reservations.let_go(l, now)
  local gone, first, lapsed = {}, math.huge, {}
  for _, one in ipairs(l.order) do
    local before = lapsed[one.of] or 0
    local till = one.lent and one.till or held_till(one) + before * LEAST_GRACE_US
    if till < now and not one.lent then
      lend(l, one)
      one.of.faith = 0.8 * one.of.faith
      lapsed[one.of], till = before + 1, one.till
    end
    if till < now then gone[#gone + 1] = one elseif till < first then first = till end
  end
  for c in pairs(lapsed) do c.trust = 0.8 * c.trust end -- until it asks again
  for _, one in ipairs(gone) do promises.forgo(l, one) end
  if #l.order == 0 then l.sums = {} end -- of groups that may be gone
  l.lapse_at = math.max(first, now + LAPSES_US)
end

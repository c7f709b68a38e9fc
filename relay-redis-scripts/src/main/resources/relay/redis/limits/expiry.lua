-- When enough has left a window for a request. Closed slots leave one by one; sums over them find the first in a few steps.
-- A chunk's sums are cached, and hold while Redis has the very text.
-- @uses state/pool, state/quota_group, state/ring, limits/expected
local expiry = {}
local MOST_SUMS = 1000 -- chunks whose sums are cached: 3 MB
local cached_sums, cached_count = {}, 0

-- What the first entries of a chunk hold: of requests, input and output, for n entries after the place 3 n.
local function sums_of(win, g, number)
  local field = g.id .. ':' .. number
  local chunk, known = ring.chunk(win, g, number * CHUNK) or false, cached_sums[field]
  if known and known.chunk == chunk then return known end
  if not known then
    if cached_count >= MOST_SUMS then cached_sums, cached_count = {}, 0 end
    known = { 0, 0, 0 }
    cached_sums[field], cached_count = known, cached_count + 1
  end
  local r, i, o = 0, 0, 0
  for n = 0, CHUNK - 1 do
    local r1, i1, o1 = ring.entry(chunk, n)
    r, i, o = r + r1, i + i1, o + o1
    known[3 * n + 4], known[3 * n + 5], known[3 * n + 6] = r, i, o
  end
  known.chunk = chunk
  return known
end

-- What leaves in one dimension with the entries from one on, up to another.
local function sum(sums, d, from, to)
  from, to = 3 * from, 3 * to
  if d == 4 then return sums[to + 2] - sums[from + 2] + sums[to + 3] - sums[from + 3] end
  return sums[to + d] - sums[from + d]
end

-- When a request fits, if `gone` slots have left the window and `used` is what the others hold. Returns nil if the window is
-- still full then, or if the pacer admits the request only after the next slot has left.
local function opens_at(p, g, ask, gone, used)
  local from, limit = (g[RECENT] + gone) * p[SLOT], ask.limit
  if from < ask.least then from = ask.least end
  if from > ask.most then return from end
  if expected.full_with(g, ask.d, used, ask.cost, ask.later) + ask.free > limit then return end
  local saved = quota_group.credit(g, ask.d, g[LIMIT + ask.d], limit - used)
  local excess = g[LEVEL + ask.d] + ask.cost - ask.headway(false, ask.cost, limit, used, saved, ask.burst, ask.shrunk)
  local paced = excess > 0 and g[AT] + math.ceil(excess / ask.rate) + 1 or from -- one more covers the rounding of the quotient
  local opens = from > paced and from or paced
  if opens == ask.least or gone > SLOTS or opens < (g[RECENT] + gone + 1) * p[SLOT] then return opens end
end

-- The first such time. It exists once, and holds from then on: slots leave one by one, the debt falls steadily, and its bound
-- rises with each slot that leaves. So what does not hold after a chunk does not hold within it.
function expiry.first(win, p, g, ask, used)
  local opens = opens_at(p, g, ask, 0, used)
  if opens then return opens end
  local gone = 0
  while gone < SLOTS do
    local index = (g[RECENT] + gone) % SLOTS
    local at = index % CHUNK
    local sums, count = sums_of(win, g, math.floor(index / CHUNK)), math.min(CHUNK - at, SLOTS - gone)
    opens = opens_at(p, g, ask, gone + count, used - sum(sums, ask.d, at, at + count))
    if opens then
      local not_yet = 0
      while count - not_yet > 1 do
        local middle = math.floor((not_yet + count) / 2)
        local found = opens_at(p, g, ask, gone + middle, used - sum(sums, ask.d, at, at + middle))
        if found then opens, count = found, middle else not_yet = middle end
      end
      return opens
    end
    gone, used = gone + count, used - sum(sums, ask.d, at, at + count)
  end
  used = used - (ask.d == 4 and g[CURRENT + 2] + g[CURRENT + 3] or g[CURRENT + ask.d])
  return opens_at(p, g, ask, SLOTS + 1, used)
    or math.max(ask.least, (g[RECENT] + SLOTS + 1) * p[SLOT]) -- the slots are lost: by then `ring.roll` has noticed, and all have left
end

-- What is new in a pool: the records that changed since a reader's last survey. `born` tells whether the log is still
-- the one in which the reader's position was counted.
--
-- Usage also leaves the window without a call. Every survey that asks for news therefore notes the groups that were
-- charged since the last one, and when these charges will have left: then they are new again.
-- @uses state/pool, state/quota_group, state/records, state/ring
local change_log = {}
local MOST_LISTED = 60000 -- groups in `leaves`: 1,000 charged groups a second
local REREADS = 12 -- in a window, for usage of which it is not known when it was charged

local function is_used(g) return g.pack == quota_group.pack and not quota_group.is_unused(g) end

-- Schedules a look at the group for a time.
local function list_group(r, g, at, now)
  if g.listed == at then return end
  if r.listed >= MOST_LISTED then
    r.crowded = now + r.pool[WINDOW]
    return
  end
  local list = r.leaves[at]
  if not list then
    list = {}
    r.leaves[at] = list
  end
  g.seen, g.listed = true, at
  list[#list + 1], r.listed = g, r.listed + 1
end

-- Rolls the groups whose charges have left, and notes the groups with new charges.
function change_log.pass_time(r, now)
  local p, slot = r.pool, math.floor(now / r.pool[SLOT])
  for at, list in pairs(r.leaves) do
    if at <= now then
      r.leaves[at], r.listed = nil, r.listed - #list
      for _, g in ipairs(list) do
        if is_used(g) then
          ring.roll(r.win, p, g, slot)
          records.change(r, g)
        end
      end
    end
  end
  local left = (slot + SLOTS + 1) * p[SLOT]
  for m = math.max(r.walked, r.moves - LOG) + 1, r.moves do
    local g = r.log[m % LOG + 1]
    if g.moved == m and is_used(g) then list_group(r, g, left, now) end
  end
  r.walked = r.moves
end

-- A group that is read. If the cache is younger than its usage, it is read again until that has left.
function change_log.watch(r, g, now)
  if g.seen or not is_used(g) then return end
  local slot = r.pool[SLOT]
  for n = 1, REREADS do list_group(r, g, (math.floor(now / slot) + n * (SLOTS / REREADS) + 1) * slot, now) end
end

-- The reply for a reader: `born`, its new position, whether it must read everything (1; 2: every few seconds, for too
-- many groups change), and otherwise the fields of what changed.
function change_log.news_since(r, born, position)
  r.marked, r.walked = r.moves, r.moves -- this call's own changes charged nothing
  local news = { string.format('%.0f', r.born), r.moves, r.crowded > r.pool[LAST] and 2 or 0 }
  if born ~= news[1] or position > r.moves or position < r.moves - LOG then
    news[3] = 1
    return news
  end
  for m = position + 1, r.moves do
    local record = r.log[m % LOG + 1]
    if record.moved == m then news[#news + 1] = record.field end
  end
  return news
end

-- How much room promises hold.
--
-- A promise holds what has come of its own room: nothing before that begins to come, all of it from its time on. Other room that
-- is there, because some did not come or gave some back, goes to whoever asks. A promise for which a replica waits holds its
-- room from the start: its request is there. `due` has the promises by the time from which they may hold room.
-- @uses line, pool, group
local AWAY_US = 2e6 -- a replica where a request waits asks each second

-- How many are due before a time.
function line.due_before(due, from)
  local low, high = 1, #due + 1
  while low < high do
    local middle = math.floor((low + high) / 2)
    if due[middle].from < from then low = middle + 1 else high = middle end
  end
  return low - 1
end

-- A promise is told a time, in a group. Its room comes in the time before that.
function line.set(l, one, comes)
  one.comes, one.from = comes, (one.ticket or one.came) and 0 or one.told - comes
  table.insert(l.due, line.due_before(l.due, one.from) + 1, one)
  line.add(l.sums, one, 1)
end

function line.unset(l, one)
  local at = line.due_before(l.due, one.from) + 1
  while l.due[at] ~= one do at = at + 1 end
  table.remove(l.due, at)
  line.add(l.sums, one, -1)
end

-- What those before a request hold, by group; nil if nothing. A window has room for whole requests only.
function line.ripe_before(r, ask, now)
  local sums, rank, tag, mine, p = nil, ask.place, ask.tag, ask.mine, r.pool
  local made, early = mine and mine.made or math.huge, MARGIN * p[SLOT]
  for _, one in ipairs(ask.line.due) do
    if one.from > now then break end
    if one.rank < rank or one.rank == rank and (one.tag < tag or one.tag == tag and one.made < made) then
      local waits = one.ticket and one.of.asked >= now - AWAY_US
      local part = waits and 1 or math.min(1, 1 - (one.told - early - now) / one.comes)
      if part > 0 then
        sums = sums or {}
        line.add(sums, one, part, one.group[MIRRORED] == 0 and math.floor(part) or part)
      end
    end
  end
  return sums
end

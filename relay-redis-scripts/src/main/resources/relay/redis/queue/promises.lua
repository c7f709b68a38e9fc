-- Adds, moves and removes promises. A promise is in its queue, in its client's list, and in `due`, by the time from which it may
-- reserve room, as long as it is not lent.
-- @uses queue/queue
local promises = {}

-- How many are due before a time.
local function due_before(due, from)
  local low, high = 1, #due + 1
  while low < high do
    local middle = math.floor((low + high) / 2)
    if due[middle].from < from then low = middle + 1 else high = middle end
  end
  return low - 1
end

-- A promise is told a time, in a group. Its room comes in the time before that.
function promises.set(l, one, comes)
  one.comes, one.from = comes, (one.ticket or one.came) and 0 or one.told - comes
  table.insert(l.due, due_before(l.due, one.from) + 1, one)
  queue.add(l.sums, one, 1)
end

function promises.unset(l, one)
  if one.lent then return end
  local at = due_before(l.due, one.from) + 1
  while l.due[at] ~= one do at = at + 1 end
  table.remove(l.due, at)
  queue.add(l.sums, one, -1)
end

function promises.remove(l, one)
  local c, mark = one.of, one.mark or ''
  queue.take_out(c.promises, one)
  queue.take_out(c.marks[mark], one)
  if not c.marks[mark][1] then c.marks[mark] = nil end
  queue.give(one, nil)
  table.remove(l.order, queue.place_of(l.order, one))
  if l.own then l.own.promises = l.own.promises - 1 end
  if one.lent then l.lent = l.lent - 1 end
  promises.unset(l, one)
end

-- Moves a promise to another place.
function promises.move(l, one, rank, tag)
  table.remove(l.order, queue.place_of(l.order, one))
  queue.take_out(one.of.promises, one)
  one.rank, one.tag = rank, tag
  for _, list in ipairs({ l.order, one.of.promises }) do table.insert(list, queue.before(list, rank, tag) + 1, one) end
end

-- Lets go of a promise: its client has not had it, but for what other requests had of it.
function promises.forgo(l, one)
  promises.remove(l, one)
  one.of.tag = one.of.tag - one.part + one.had
end

-- Adds, moves and removes promises. A promise is in its queue, in its client's list, and in `due`, by the time from which it may
-- reserve room, as long as it is not lent.
-- @uses queue/queue
local promises = {}

-- How many promises in `due` begin to reserve before a time.
local function due_before(due, from)
  local low, high = 1, #due + 1
  while low < high do
    local middle = math.floor((low + high) / 2)
    if due[middle].reserves_from < from then low = middle + 1 else high = middle end
  end
  return low - 1
end

-- Enters a promise with a retry time and group into `due`: it reserves its room gradually, in the last `reserves_us` before that time.
function promises.set(q, promise, reserves_us)
  promise.reserves_us, promise.reserves_from = reserves_us, (promise.ticket or promise.was_in_vain) and 0 or promise.retry_at - reserves_us
  table.insert(q.due, due_before(q.due, promise.reserves_from) + 1, promise)
  queue.add(q.sums, promise, 1)
end

function promises.unset(q, promise)
  if promise.lent then return end
  local at = due_before(q.due, promise.reserves_from) + 1
  while q.due[at] ~= promise do at = at + 1 end
  table.remove(q.due, at)
  queue.add(q.sums, promise, -1)
end

function promises.remove(q, promise)
  local c, mark = promise.client, promise.mark or ''
  queue.remove_from(c.promises, promise)
  queue.remove_from(c.marks[mark], promise)
  if not c.marks[mark][1] then c.marks[mark] = nil end
  queue.give(promise, nil)
  table.remove(q.order, queue.place_of(q.order, promise))
  if q.own_limits then q.own_limits.promises = q.own_limits.promises - 1 end
  if promise.lent then q.lent_count = q.lent_count - 1 end
  promises.unset(q, promise)
end

-- Moves a promise to another place in the order.
function promises.move(q, promise, rank, tag)
  table.remove(q.order, queue.place_of(q.order, promise))
  queue.remove_from(promise.client.promises, promise)
  promise.rank, promise.tag = rank, tag
  for _, list in ipairs({ q.order, promise.client.promises }) do table.insert(list, queue.before(list, rank, tag) + 1, promise) end
end

-- Forgets a promise. Its client gets the tag advance back, but for what other requests used of the place.
function promises.forgo(q, promise)
  promises.remove(q, promise)
  promise.client.tag = promise.client.tag - promise.advance + promise.used_by_others
end

-- The queue of requests that a short pool has refused: by priority, then fair by weight. Each has a retry time of its own.
--
-- A refused request leaves a promise: an amount in a group, and the time at which it fits behind the promises before it.
-- The promises of a model class form one queue, ordered by rank, then by tag. A client's next tag is its last one plus the
-- request's cost over the client's weight (start-time fair queueing). A request may use a group's room less what the promises
-- before its own need of it, of those whose room has begun to come. So freed capacity goes to waiting clients by weight, and
-- each finds its room at the time that it was told. A promise holds its room for one second after its time, up to five for a
-- client that asks seldom, and shorter for a client that has not asked since it left others. It is for the request that left it.
-- While that request is late, its place is lent: in that time to other requests of its client, afterwards to any. The request
-- keeps its place in the order until 1.25 times the whole seconds that it was told. An idle client saves nothing up:
-- its next request has the tag of the request that was served last.
--
-- Queues are cached with the records, and not stored. After the loss of the cache all clients start anew.
-- @uses state/pool
local queue = {}
local GRACE_US, MOST_GRACE_US, LEAST_GRACE_US = 1e6, 5e6, 0.25e6
local MOST_PROMISES, MOST_CLIENTS = 1000, 10000 -- of a model class
local MOST_LOOKED_AT = 64
local MARGIN = 1 -- slots: so much later a request is told to come after others, who take a moment to come
local LAPSES_US = 5e4 -- the promises are searched for lapsed ones no more often

-- The line of a list's model class. `tags`: of the request of each rank that was served last; `served`: what each rank was
-- granted of late; `short`: when a request was last refused for each dimension, `at_most`: because keys were at
-- `max_concurrent`; `sums`: what is promised, by group; `due`: see queue/reservations; `paced`: the time until which a rank that is
-- served evenly has had its share.
-- `own`: the queues of groups, see queue/client_queues; `is_needed`: or nil if there is none.
function queue.of(r, list, is_needed, own)
  if not own then list.class = list.class or string.match(list[2].id, '([^/]*)$') end
  local class, all = own and list[2].id or list.class, own and own.queues or r.waiting
  local l = all[class]
  if not l and is_needed then
    l = { own = own, class = class, clients = {}, count = 0, order = {}, made = 0, lent = 0, due = {}, paced = {}, sums = {},
      tags = { 0, 0, 0 }, served = { 0, 0, 0 }, served_at = { 0, 0, 0 }, debts = { 0, 0, 0 }, short = { 0, 0, 0, 0 }, at_most = 0,
      lapse_at = math.huge, sweep_at = 0 }
    all[class] = l
    if own then own.order[own.last + 1], own.last = l, own.last + 1 end
  end
  return l
end

function queue.has_queue(l) return l ~= nil and l.order[1] ~= nil end

-- Forgets clients that wait for nothing and have not asked for a window; of too many the one whose last request is oldest.
local function sweep(r, l, now)
  local oldest
  for name, c in pairs(l.clients) do
    if #c.promises == 0 then
      if c.asked < now - r.pool[WINDOW] then
        l.clients[name], l.count = nil, l.count - 1
      elseif not oldest or c.asked < oldest.asked then
        oldest = c
      end
    end
  end
  if l.count >= MOST_CLIENTS and oldest then l.clients[oldest.name], l.count = nil, l.count - 1 end
  l.sweep_at = now + r.pool[WINDOW]
end

local function name_of(ask) return ask.client .. ':' .. ask.rank end

-- A client; of more than can be told apart the others are one. `promises`: in their order; `marks`: the same by mark; `gap`: the
-- mean time between its requests; `trust`: less for one that does not come; `faith`: the part of its promises for which their
-- requests came in time; `shared`: the marks of several senders. Of a promise `had` is what others have had of its place.
function queue.client(r, l, ask, now)
  local whose = name_of(ask)
  local c = l.clients[whose]
  if not c then
    if l.count >= MOST_CLIENTS or now >= l.sweep_at then sweep(r, l, now) end
    local name = l.count < MOST_CLIENTS and whose or '-:' .. ask.rank
    c = l.clients[name]
    if not c then
      c = { name = name, tag = 0, promises = {}, tickets = {}, marks = {}, asked = now, gap = 0, trust = 1, faith = 1,
        got = 0, got_at = now, shared = {}, shares = 0 }
      l.clients[name], l.count = c, l.count + 1
    end
  end
  c.gap = 0.8 * c.gap + 0.2 * (now - c.asked)
  c.asked, c.weight, c.trust = now, ask.weight, 1
  return c
end

-- How many promises come before one with this rank and tag, which is behind its equals.
function queue.before(order, rank, tag)
  local low, high = 1, #order + 1
  while low < high do
    local middle = math.floor((low + high) / 2)
    local one = order[middle]
    if one.rank < rank or one.rank == rank and one.tag <= tag then low = middle + 1 else high = middle end
  end
  return low - 1
end

function queue.place_of(order, one)
  local at = queue.before(order, one.rank, one.tag)
  while order[at] ~= one do at = at - 1 end
  return at
end

-- Adds a promise to a sum of requests, input and output, or a part of it, or takes it away.
function queue.add(sums, one, part, requests)
  local g = one.group
  requests = requests or part * one.count
  repeat
    local sum = sums[g]
    if not sum then
      sum = { 0, 0, 0 }
      sums[g] = sum
    end
    sum[1], sum[2], sum[3] = sum[1] + requests, sum[2] + part * one.input, sum[3] + part * one.output
    g = g.over -- its limits bind, too: see `above`
  until not g
end

-- A promise is for the request with a ticket alone, or for any.
function queue.give(one, ticket)
  local tickets = one.of.tickets
  if one.ticket then tickets[one.ticket] = nil end
  one.ticket = ticket
  if ticket then tickets[ticket] = one end
end

function queue.take_out(list, one)
  for n = 1, #list do
    if list[n] == one then
      table.remove(list, n)
      break
    end
  end
end

-- A sum of what was granted until then, of which a window is kept.
function queue.faded(sum, at, now, window) return sum * math.exp(-math.max(0, now - at) / window) end

-- What a rank was granted in about the last window, as parts of a limit.
function queue.served(l, rank, now, window) return queue.faded(l.served[rank], l.served_at[rank], now, window) end

-- What a rank with a floor had of late: a debt that flows off at the floor's rate.
function queue.debt(l, ask, now, window, groups)
  return math.max(0, l.debts[ask.rank] - ask.floor * groups * (now - l.served_at[ask.rank]) / window)
end

-- Whether a rank has less than its floor also with this request, and with what it was promised on account of that: before one
-- promise, or at all. A request that is larger than the floor waits until nothing of the debt is left.
function queue.is_below_floor(l, ask, mine, now, window, groups)
  if ask.floor == 0 then return false end
  local sum = queue.debt(l, ask, now, window, groups)
  for _, one in ipairs(l.order) do
    if one.rank > 0 or one == mine then break end
    if not one.lent then sum = sum + one.cost end
  end
  return sum + ask.cost <= math.max(ask.cost, ask.floor * groups) + 1e-9
end

-- The tag of a new client's request: that of the rank's first promise or, if it is lower, of its last granted request.
function queue.tag_of(l, rank)
  local first = l.order[queue.before(l.order, rank - 0.5, 0) + 1]
  return first and first.rank == rank and math.min(first.tag, l.tags[rank]) or l.tags[rank]
end

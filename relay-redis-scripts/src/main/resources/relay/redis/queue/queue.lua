-- The queue of requests that a short pool has refused: by priority, then fair by weight. Each has a retry time of its own.
--
-- A refused request leaves a promise: an amount in a group, and the retry time at which it fits behind the promises before it.
-- The promises of a model class form one queue, ordered by rank, then by tag. A client's next tag is its last one plus the
-- request's cost over the client's weight (start-time fair queueing). A request may use a group's room less what earlier promises
-- reserve of it. So freed capacity goes to waiting clients by weight, and each request finds its room at its retry time.
--
-- A promise is for the request that left it, and keeps its room during its grace: one second after the retry time, up to five for
-- a client that asks seldom, shorter for one that has not asked since it left others. While the request is late, its place is lent:
-- during the grace to other requests of its client, afterwards to any. The request keeps its place in the order for 1.25 times the
-- whole seconds of its `retry-after`. An idle client saves nothing up: its next request has the tag that was served last.
--
-- Queues are cached with the records, and not stored. After the loss of the cache all clients start anew.
-- @uses state/pool
local queue = {}
local GRACE_US, MOST_GRACE_US, LEAST_GRACE_US = 1e6, 5e6, 0.25e6
local MOST_PROMISES, MOST_CLIENTS = 1000, 10000 -- of a model class
local MOST_LOOKED_AT = 64
local MARGIN = 1 -- slots: the part of a retry time in which the requests before may come, for they take a moment
local LAPSES_US = 5e4 -- between two searches for promises that have lapsed

-- The queue of a list's model class; nil if there is none and `is_needed` is false. `own_limits`: see queue/client_queues.
-- By rank: `tags`, that of the request that was served last; `served`, what was granted of late; `paced_until`, the time until which a
-- paced rank has had its part. `short`: when a request was last refused for each dimension; `short_keys`: because keys were at
-- `max_concurrent`. `sums`: what is promised, by group. `due`: see queue/reservations.
function queue.of(r, list, is_needed, own_limits)
  if not own_limits then list.class = list.class or string.match(list[2].id, '([^/]*)$') end
  local class, all = own_limits and list[2].id or list.class, own_limits and own_limits.queues or r.waiting
  local q = all[class]
  if not q and is_needed then
    q = { own_limits = own_limits, class = class, clients = {}, client_count = 0, order = {}, last_serial = 0, lent_count = 0,
      due = {}, paced_until = {}, sums = {},
      tags = { 0, 0, 0 }, served = { 0, 0, 0 }, served_at = { 0, 0, 0 }, debts = { 0, 0, 0 }, short = { 0, 0, 0, 0 }, short_keys = 0,
      lapse_at = math.huge, sweep_at = 0 }
    all[class] = q
    if own_limits then own_limits.order[own_limits.last + 1], own_limits.last = q, own_limits.last + 1 end
  end
  return q
end

function queue.has_queue(q) return q ~= nil and q.order[1] ~= nil end

-- Forgets clients without promises that have not asked for a window; if there are too many, the one that asked longest ago.
local function sweep(r, q, now)
  local oldest
  for name, c in pairs(q.clients) do
    if #c.promises == 0 then
      if c.asked_at < now - r.pool[WINDOW] then
        q.clients[name], q.client_count = nil, q.client_count - 1
      elseif not oldest or c.asked_at < oldest.asked_at then
        oldest = c
      end
    end
  end
  if q.client_count >= MOST_CLIENTS and oldest then q.clients[oldest.name], q.client_count = nil, q.client_count - 1 end
  q.sweep_at = now + r.pool[WINDOW]
end

local function name_of(share) return share.name .. ':' .. share.priority end

-- A client's record, made when it is needed; clients beyond the most share one. `promises`: in their order; `marks`: the same by mark;
-- `ask_interval`: the mean time between its requests; `grace_factor`: smaller for a client that does not come back; `return_rate`: the
-- part of its promises that their requests claimed in time; `shared`: the marks that several senders have.
function queue.client(r, q, share, now)
  local key = name_of(share)
  local c = q.clients[key]
  if not c then
    if q.client_count >= MOST_CLIENTS or now >= q.sweep_at then sweep(r, q, now) end
    local name = q.client_count < MOST_CLIENTS and key or '-:' .. share.priority
    c = q.clients[name]
    if not c then
      c = { name = name, tag = 0, promises = {}, tickets = {}, marks = {}, asked_at = now, waited_at = 0, ask_interval = 0, grace_factor = 1, return_rate = 1,
        granted = 0, granted_at = now, shared = {}, shared_count = 0 }
      q.clients[name], q.client_count = c, q.client_count + 1
    end
  end
  c.ask_interval = 0.8 * c.ask_interval + 0.2 * (now - c.asked_at)
  c.asked_at, c.weight, c.grace_factor = now, share.weight, 1
  if share.ticket then c.waited_at = now end
  return c
end

-- How many promises come before one with this rank and tag. It is behind its equals.
function queue.before(order, rank, tag)
  local low, high = 1, #order + 1
  while low < high do
    local middle = math.floor((low + high) / 2)
    local promise = order[middle]
    if promise.rank < rank or promise.rank == rank and promise.tag <= tag then low = middle + 1 else high = middle end
  end
  return low - 1
end

function queue.place_of(order, promise)
  local at = queue.before(order, promise.rank, promise.tag)
  while order[at] ~= promise do at = at - 1 end
  return at
end

-- Adds `part` of a promise to sums of requests, input and output by group; -1 takes it away.
function queue.add(sums, promise, part, requests)
  local g = promise.group
  requests = requests or part * promise.requests
  repeat
    local sum = sums[g]
    if not sum then
      sum = { 0, 0, 0 }
      sums[g] = sum
    end
    sum[1], sum[2], sum[3] = sum[1] + requests, sum[2] + part * promise.input, sum[3] + part * promise.output
    g = g.over -- its limits bind, too: see `above`
  until not g
end

-- Gives a promise to the waiting request with this ticket alone; nil: to any request with its mark.
function queue.give(promise, ticket)
  local tickets = promise.client.tickets
  if promise.ticket then tickets[promise.ticket] = nil end
  promise.ticket = ticket
  if ticket then tickets[ticket] = promise end
end

function queue.remove_from(list, promise)
  for n = 1, #list do
    if list[n] == promise then
      table.remove(list, n)
      break
    end
  end
end

-- A sum of grants that was taken at `at`, faded since then over about a window.
function queue.faded(sum, at, now, window) return sum * math.exp(-math.max(0, now - at) / window) end

-- What a rank was granted in about the last window, as parts of a limit.
function queue.served(q, rank, now, window) return queue.faded(q.served[rank], q.served_at[rank], now, window) end

-- What a rank with a floor was granted of late: a debt that flows off at the floor's rate.
function queue.debt(q, share, now, window, groups)
  return math.max(0, q.debts[share.priority] - share.floor * groups * (now - q.served_at[share.priority]) / window)
end

-- Returns whether a rank stays below its floor with this request and with the promises that it has under the floor, up to `claimed`
-- or all. A request that is larger than the floor waits until none of the debt is left.
function queue.is_below_floor(q, share, claimed, now, window, groups)
  if share.floor == 0 then return false end
  local sum = queue.debt(q, share, now, window, groups)
  for _, promise in ipairs(q.order) do
    if promise.rank > 0 or promise == claimed then break end
    if not promise.lent then sum = sum + promise.cost end
  end
  return sum + share.cost <= math.max(share.cost, share.floor * groups) + 1e-9
end

-- The tag of a new client's request: that of the rank's first promise or, if it is lower, of its last granted request.
function queue.tag_of(q, rank)
  local first = q.order[queue.before(q.order, rank - 0.5, 0) + 1]
  return first and first.rank == rank and math.min(first.tag, q.tags[rank]) or q.tags[rank]
end

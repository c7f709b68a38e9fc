-- What the acquire scripts reply to a request: five values, in the table `reply` from `reply_at` on.
-- @uses wire/reasons, state/quota_group, limits/gate
local replies = {}
local SHADOW = 10 -- with the reason: granted although it would be refused
local A_REQUEST = 1000 -- the code of a lease that lasts is larger by this for each request that it is for

local function put(request, code, a, b, c, d)
  local reply, at = request.reply, request.reply_at
  reply[at], reply[at + 1], reply[at + 2], reply[at + 3], reply[at + 4] = code, a, b, c, d
end

function replies.granted(request, key, group, input, output)
  local count = request.count
  put(request, count and 1 + A_REQUEST * count or 1, key, group, input, output)
end

-- A grant that was made in shadow mode, for this reason.
function replies.in_shadow(request, reason) request.reply[request.reply_at] = SHADOW + reason + A_REQUEST * (request.count or 0) end

-- No capacity until `opens`, for this reason; `key` has it first.
function replies.wait(request, now, opens, reason, key) put(request, 0, math.max(1, gate.wait(opens, now)), reason, key, 0) end

-- The owner of a lease that lasts has as many as it may open. One of them may end at any time.
function replies.too_many_open(request) put(request, 0, 1000000, TOO_MANY_OPEN, '', 0) end

-- Larger than every whole limit: the largest of these, and its dimension.
function replies.too_large(request, dimension, limit) put(request, -1, dimension, limit, 0, 0) end

-- Every key that is large enough is quarantined.
function replies.out_of_use(request) put(request, -2, 0, 0, 0, 0) end

-- This lease has ended already.
function replies.ended(request) put(request, -4, 0, 0, 0, 0) end

-- The call has looked at its maximum of candidates.
function replies.not_found(request) put(request, -5, 0, 0, 0, 0) end

-- A budget is spent, and opens after a time.
function replies.over_budget(request, budget, wait) put(request, -7, budget, math.max(1, wait), 0, 0) end

-- What a group has in use.
function replies.usage(request, g) put(request, 2, g[USED + 1], g[USED + 2], g[USED + 3], g[FLIGHT]) end

-- Whether the request was granted.
function replies.is_granted(request) return request.reply[request.reply_at] >= 1 end

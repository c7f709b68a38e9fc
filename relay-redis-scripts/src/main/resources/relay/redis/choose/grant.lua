-- Making leases, for the acquire scripts.
-- @uses state/quota_group, state/records, state/lease, state/lease_record, choose/choice, choose/bulk, wire/replies
local grant = {}

-- Creates the lease of a request, with this input and output, and replies it.
function grant.give(r, request, k, g, now, input, output)
  lease.begin(r, request, k, g, now, input, output)
  choice.take(r, k, g, now, input, output, request.spread)
  if request.session then redis.call('SET', request.session, g.field, 'EX', '3600') end -- an hour after its last request
  replies.granted(request, k.id, g.id, input, output)
end

-- Grants what would be refused for this reason, on a key in shadow mode. No more than a window is owed for it, as if it
-- had been refused.
function grant.give_anyway(r, request, k, g, now, reason)
  bulk.take_all(r, request)
  grant.give(r, request, k, g, now, request.input, request.output)
  repeat
    for d = 1, 4 do
      if g[LEVEL + d] > g[LIMIT + d] then g[LEVEL + d] = g[LIMIT + d] end
    end
    g = records.above(r, g)
  until not g
  replies.in_shadow(request, reason)
end

-- Replies to an id that was used before: its grant, or that it has ended.
function grant.again(request, record)
  if lease.is_tomb(record) then
    replies.ended(request)
  else
    local l = lease.read(record)
    if request.count then
      if l[L_STATE] == EXPIRED_LEASE then return replies.ended(request) end
      request.count = l[L_REQUESTS] -- if fewer would do, it was perhaps granted for fewer
    end
    replies.granted(request, l[L_KEY], l[L_GROUP], l[L_INPUT], l[L_OUTPUT])
  end
end

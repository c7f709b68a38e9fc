-- Serves a request with candidates from the pool's index: grants it, or says when one of them can carry it. As choose/listed, but
-- it compares a few candidates that are ready, and parks those that cannot carry the request until they can.
-- @uses choose/choice, choose/bulk, choose/ready_sets, choose/denial, choose/grant, limits/kinds, queue/queue, queue/clients
-- @uses queue/large_queue, queue/large_rooms, state/pool, wire/replies
local indexed = {}

-- Replies to a request that no candidate can carry now.
local function refuse(r, index, request, now, answer, lone)
  if index.shadow and answer.k then
    if request.share then large_queue.found(r, index, request, now) end
    grant.give_anyway(r, request, answer.k, answer.g, now, answer.opens < math.huge and answer.reason or answer.dimension)
  elseif answer.opens < math.huge then
    if lone and not request.share then
      request.share = clients.of_lone(lone)
      large_queue.see(r, index, request.share, now, request.spread)
    end
    local opens = request.share and large_queue.refused(r, index, request, answer, now) or answer.opens
    replies.wait(request, now, opens, answer.reason, answer.opener)
  elseif answer.small == 0 or denial.is_kept_from_any(r, index, request) then
    replies.out_of_use(request)
  else
    replies.too_large(request, answer.dimension, answer.limit)
  end
end

local function find_key(r, index, request, now, lone)
  local avoided, share = index.avoided, request.share
  local find = share and large_queue.find or denial.find_or_deny
  local k, g, want_in, want_out, picked, answer = find(r, index, request, now)
  if k then
    if request.whole and not (share and (share.client or share.headroom > 0)) then -- else what others wait for, or what it must leave, is not charged
      want_in, want_out = bulk.enlarge(r, request, k, g, now, want_in, want_out)
    end
    if share then large_queue.found(r, index, request, now) end
    grant.give(r, request, k, g, now, want_in, want_out)
    if not (share and large_rooms.stays_parked(r, share, picked, k, g)) then ready_sets.end_turn(r, picked, k, g) end
  elseif k == false and not kinds.are_enough(avoided) then
    replies.not_found(request)
  elseif avoided.opens and (k == false or answer.opens == math.huge) then -- the others are out of use, or not found
    replies.wait(request, now, avoided.opens, 0, '')
  else
    refuse(r, index, request, now, answer, lone)
  end
end

-- The request's `share` is nil without shares. `lone`: a client that has the pool for itself.
function indexed.serve(r, index, request, now, lone)
  local again = r.held[request.id]
  if again then return grant.again(request, again) end
  request.favourite = request.session and redis.call('GET', request.session) or nil
  request.seed = choice.seed_of(r, request.id)
  r.pool[ASKED] = request.count or 1
  if request.count and not bulk.begin(r, request, now) then return end
  if lone and queue.has_queue(large_queue.of(r, index)) then request.share = clients.of_lone(lone) end
  find_key(r, index, request, now, lone)
end

-- The parts common to acquire and acquire_indexed: parsing arguments and making leases.
-- @uses wire/numbers, state/pool, state/quota_group, state/records, state/lease, choose/choice
local grant = {}
local SHADOW = 10 -- with the reason: granted although it would be refused

-- Parses `epoch ceiling given lease_ms endings`; the last result is the position of the rest.
function grant.call_line(line)
  local epoch, ceiling, given, lease_ms, endings, at = string.match(line, '^(%d+) (%d+) (%S+) (%d+) (%d+)()')
  if not at then error({ err = 'BADARG a call begins with `epoch ceiling given lease_ms endings`' }) end
  local time, most = pool.clock_of(given, ceiling)
  return numbers.bounded(epoch, 'epoch'), most, time, numbers.bounded(lease_ms, 'lease_ms') * 1000, numbers.bounded(endings, 'endings'), at
end

-- Parses ` requests sessions first sets shadow`; the last result is the position of the rest.
function grant.counts_at(line, at)
  local requests, sessions, first, sets, shadow, next_at = string.match(line, '^ (%d+) (%d+) (%d+) (%d+) ([01])()', at)
  if not next_at then error({ err = 'BADARG a call goes on with `requests sessions first sets shadow`' }) end
  return numbers.bounded(requests, 'requests'), numbers.bounded(sessions, 'sessions'), numbers.bounded(first, 'first'), numbers.bounded(sets, 'sets'),
    shadow + 0, next_at
end

-- Parses ` input output spread` for each of `count` requests, into one list; the last result is the position of the rest.
function grant.tokens_at(line, at, count)
  local tokens = { 0, 0, 0 }
  for n = 1, 3 * count, 3 do
    local input, output, spread, next_at = string.match(line, '^ (%d+) (%d+) (%S+)()', at)
    if not next_at or spread ~= '-' and not string.find(spread, '^%d+$') then
      error({ err = 'BADARG a request is `input output spread`, whole numbers, - for no spread' })
    end
    tokens[n], tokens[n + 1], at = numbers.bounded(input, 'input'), numbers.bounded(output, 'output'), next_at
    tokens[n + 2] = spread ~= '-' and numbers.bounded(spread, 'spread')
  end
  return tokens, at
end

-- A request's first random number: requests with different ids draw independently.
function grant.seed_of(id) return 1 + tonumber(string.sub(redis.sha1hex(id), 1, 8), 16) % 2147483646 end

-- Writes one request's result into the reply.
function grant.tell(reply, at, code, a, b, c, d)
  reply[at], reply[at + 1], reply[at + 2], reply[at + 3], reply[at + 4] = code, a, b, c, d
end

-- Creates the lease and writes its result.
function grant.give(r, session, id, k, g, now, lease_us, input, output, spread, reply, at)
  lease.begin(r, id, k, g, now, lease_us, 1, input, output, spread)
  choice.take(r, k, g, now, input, output, spread)
  if session then redis.call('SET', session, g.field, 'EX', '3600') end -- remembered for an hour after its last request
  grant.tell(reply, at, 1, k.id, g.id, input, output)
end

-- Grants what would be refused for this reason, on a key in shadow mode. No more than a window is owed for it, as if it
-- had been refused.
function grant.give_anyway(r, session, id, k, g, now, lease_us, input, output, spread, reason, reply, at)
  grant.give(r, session, id, k, g, now, lease_us, input, output, spread, reply, at)
  repeat
    for d = 1, 4 do
      if g[LEVEL + d] > g[LIMIT + d] then g[LEVEL + d] = g[LIMIT + d] end
    end
    g = records.above(r, g)
  until not g
  reply[at] = SHADOW + reason
end

-- Writes the result of an id used before: its grant, or that it has ended.
function grant.tell_again(record, reply, at)
  if lease.is_tomb(record) then
    grant.tell(reply, at, -4, 0, 0, 0, 0)
  else
    local key, group, _, _, input, output = struct.unpack(lease.LEASE, record)
    grant.tell(reply, at, 1, key, group, input, output)
  end
end

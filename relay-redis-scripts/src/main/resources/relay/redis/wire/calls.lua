-- The arguments that the acquire scripts share.
-- @uses wire/numbers, state/pool
local calls = {}

-- Parses `epoch ceiling given lease_ms endings`; the last result is the position of the rest.
function calls.line(line)
  local epoch, ceiling, given, lease_ms, endings, at = string.match(line, '^(%d+) (%d+) (%S+) (%d+) (%d+)()')
  if not at then error({ err = 'BADARG a call begins with `epoch ceiling given lease_ms endings`' }) end
  local time, most = pool.clock_of(given, ceiling)
  return numbers.bounded(epoch, 'epoch'), most, time, numbers.bounded(lease_ms, 'lease_ms') * 1000, numbers.bounded(endings, 'endings'), at
end

-- Parses ` requests sessions first sets shadow`; the last result is the position of the rest.
function calls.counts_at(line, at)
  local requests, sessions, first, sets, shadow, next_at = string.match(line, '^ (%d+) (%d+) (%d+) (%d+) ([01])()', at)
  if not next_at then error({ err = 'BADARG a call goes on with `requests sessions first sets shadow`' }) end
  return numbers.bounded(requests, 'requests'), numbers.bounded(sessions, 'sessions'), numbers.bounded(first, 'first'), numbers.bounded(sets, 'sets'),
    shadow + 0, next_at
end

-- The third word for a lease that lasts: `spread:ttl_ms:requests`, and a + if fewer requests will do.
local function lasting(text, id)
  local spread, ttl, count, partial = string.match(text or '', '^([-%d]+):(%d+):(%d+)(%+?)$')
  if not spread or spread ~= '-' and not string.find(spread, '^%d+$') or string.byte(id) ~= 64 or count + 0 < 1 or count + 0 > 1e6 then
    error({ err = 'BADARG a request is `input output spread`, whole numbers, - for no spread; of an @ id `spread:ttl_ms:requests`' })
  end
  return spread, numbers.bounded(ttl, 'ttl_ms') * 1000, count + 0, partial == '+'
end

-- Parses ` input output spread` of each of `count` requests, whose ids are the arguments from `first` on. Returns the requests:
-- `id`; `input` and `output`, what to reserve, and the output's `spread`, false if the provider charges it at admission;
-- `lease_us`; of a lease that lasts `count`, its requests, and whether fewer will do, `partial`. The script adds the `session`'s key, the `share`, see queue/clients, and where to reply, see wire/replies. The
-- last result is the position of the rest.
function calls.requests_at(line, at, count, lease_us, args, first)
  local requests = {}
  for n = 1, count do
    local input, output, spread, next_at = string.match(line, '^ (%d+) (%d+) (%S+)()', at)
    local id, ttl_us, asked, partial = args[first + n - 1], lease_us, nil, nil
    if not next_at or spread ~= '-' and not string.find(spread, '^%d+$') then spread, ttl_us, asked, partial = lasting(spread, id) end
    requests[n], at = {
      id = id, lease_us = ttl_us, session = false, reply = false, reply_at = 0,
      input = numbers.bounded(input, 'input'), output = numbers.bounded(output, 'output'),
      spread = spread ~= '-' and numbers.bounded(spread, 'spread'),
    }, next_at
    if asked then requests[n].count, requests[n].partial = asked, partial end
  end
  return requests, at
end

-- Parses ` amount` for each of `count` amounts, in billionths of a dollar; the last result is the position of the rest.
function calls.dollars_at(line, at, count)
  local dollars = {}
  for n = 1, count do
    local amount
    amount, at = string.match(line, '^ (%d+)()', at)
    if not at then error({ err = 'BADARG a budget is spent by a whole number' }) end
    dollars[n] = numbers.bounded(amount, 'dollars')
  end
  return dollars, at
end

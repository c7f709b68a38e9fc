-- Replicas that are missing: their heartbeats stay away, and they did not leave. Each may be cut off from Redis and serve by
-- itself what is its share of nine tenths of every limit. So the others keep that free: as much as it may have used in the
-- last window. The pool's record holds the share of each limit that is kept free, and the share by which debts flow off more
-- slowly meanwhile. A replica serves by itself for so long at most, and then nearly nothing: `CutOff` has the same numbers.
--
-- Replicas of other versions, whose state has another form (`RedisKeys.FORM`), use a state of their own. While both versions
-- run, each has of every limit the share of its live replicas, and keeps the rest free. In `replicas` the form stands behind a
-- replica's id: `r1@4`.
-- @uses state/pool
local missing_replicas = {}
local MISSING_US = 1e6 -- two heartbeats
local ALONE_US = 30e6
local NEXT_US = 5e5 -- until the next heartbeat
local SHARE = 0.9
local ALIVE_US = 3e6
local MOST_OTHERS = 0.99
local EXTEND_US = 1e7 -- so often the TTL is extended, and it is so much longer

-- A form is the last part of the name of a state.
local function mark_of(state) return string.match(state, ':(%d+)$') end

-- A replica's name among those of all versions.
function missing_replicas.name(state, replica) return replica .. '@' .. mark_of(state) end

-- The replicas of this version among these names, without the form.
function missing_replicas.own(state, names)
  local own, tail = {}, '@' .. mark_of(state)
  for _, name in ipairs(names) do
    if string.sub(name, -#tail) == tail then own[#own + 1] = string.sub(name, 1, -#tail - 1) end
  end
  return own
end

-- Sets the share that replicas of other versions may use: that of their live ones among all. When it falls, they may have
-- used more just before: it falls no faster than a window forgets, or than a bucket refills beside what flows already.
-- `live`: the names of all; `passed`: the time since the last heartbeat.
function missing_replicas.share(p, state, live, passed)
  local share = #live > 0 and 1 - #missing_replicas.own(state, live) / #live or 0
  local falls = passed / p[WINDOW] * (p[BUCKET] > 0 and p[OTHERS] or 1)
  p[OTHERS] = math.min(MOST_OTHERS, math.max(share, p[OTHERS] - falls))
  local slowed = (p[BUCKET] > 0 or p[OTHERS] <= share) and p[OTHERS] or 0 -- a window that opens needs the whole flow
  p[KEPT], p[SLOWED] = math.max(p[KEPT], p[OTHERS]), math.max(p[SLOWED], slowed)
end

-- A version begins beside another, or just after it: nothing is left at first.
function missing_replicas.begin(p)
  p[OTHERS], p[KEPT], p[SLOWED] = MOST_OTHERS, MOST_OTHERS, MOST_OTHERS
end

-- The state of another version that was used after this one was, if no replica of this version is alive, and when.
function missing_replicas.used_later(p, last, states, now)
  local found, latest = nil, last
  for _, state in ipairs(p[HEARD] < now - ALIVE_US and states or {}) do
    local packed = redis.call('HGET', state, 'pool')
    local _, _, at = struct.unpack('<ddd', packed or string.rep('\0', 24)) -- in each form the third is LAST
    if at > latest then found, latest = state, at end
  end
  return found, latest
end

-- How long a missing replica matters.
local function memory_us(p) return math.max(60e6, p[WINDOW] + ALONE_US) end

-- The names of those that were heard since a time. `heard`: names and times, in order of time.
function missing_replicas.since(heard, time)
  local names = {}
  for n = #heard, 2, -2 do
    if tonumber(heard[n]) < time then break end
    names[#names + 1] = heard[n - 1]
  end
  return names
end

-- A heartbeat of a replica, or its last call; '' for an observer, of which nothing is noted. Returns each replica of all versions
-- and the time of its last heartbeat, in order of time; those that are alive; and the time since the last heartbeat of this version.
function missing_replicas.beat(p, name, state, replica, leaves, now)
  local memory, passed = memory_us(p), p[HEARD] > 0 and now - p[HEARD] or 0
  if leaves then
    redis.call('ZREM', name, missing_replicas.name(state, replica))
  elseif replica ~= '' then
    local joins = redis.call('ZADD', name, now, missing_replicas.name(state, replica)) > 0
    if joins or math.floor(now / EXTEND_US) ~= math.floor(p[HEARD] / EXTEND_US) then
      redis.call('PEXPIRE', name, (memory + EXTEND_US) / 1000)
    end
  end
  local heard = redis.call('ZRANGE', name, 0, -1, 'WITHSCORES')
  if heard[2] and tonumber(heard[2]) < now - memory then
    redis.call('ZREMRANGEBYSCORE', name, '-inf', string.format('(%.0f', now - memory))
    heard = redis.call('ZRANGE', name, 0, -1, 'WITHSCORES')
  end
  local alive = missing_replicas.since(heard, now - ALIVE_US)
  p[HEARD] = #missing_replicas.own(state, alive) > 0 and (replica ~= '' and not leaves and now or p[HEARD]) or 0
  return heard, alive, passed
end

-- When replicas joined, in order.
local function joined_at(fleet)
  local times = {}
  for _, m in pairs(fleet.replicas) do times[#times + 1] = m.at end
  table.sort(times)
  return times
end

-- `heard`: as `beat` returns it. A newcomer takes the place of the first that is missing since before: that one was restarted,
-- and is forgotten.
function missing_replicas.keep_free(p, name, heard, fleet, now)
  local joined, kept, slowed, first, replicas, next_joined = nil, 0, 0, 1, #heard / 2, 1
  for n = 1, replicas do
    local at = tonumber(heard[2 * n])
    if at > now - MISSING_US then break end
    joined = joined or joined_at(fleet)
    while tonumber(heard[2 * first]) < at - 3e6 do first = first + 1 end
    local share = SHARE / (replicas - first + 1) -- it divides by those that it saw alive
    local from, to = math.max(at, now - p[WINDOW]), math.min(at + ALONE_US, now + NEXT_US)
    while joined[next_joined] and joined[next_joined] <= at do next_joined = next_joined + 1 end
    if joined[next_joined] then
      redis.call('ZREM', name, heard[2 * n - 1])
      next_joined = next_joined + 1
    else
      if to > from then kept = kept + share * (to - from) / p[WINDOW] end
      if at + ALONE_US > now then slowed = slowed + share end
    end
  end
  p[KEPT], p[SLOWED], p[KEPT_UNTIL] = math.min(SHARE, kept), math.min(SHARE, slowed), now + 2e6
end

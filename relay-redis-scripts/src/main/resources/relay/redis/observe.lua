-- Applies the limits stated in a provider's answer for a quota group. A stated limit is kept and holds for all
-- replicas. A stated remainder can only raise our usage: answers are stale by everything in flight. The most that
-- the provider's bucket was seen to hold bounds the burst. If less is left of that than our use explains, another
-- user shares the account: the difference is charged here, and ages out like other usage. A later overage of ours
-- is taken out of it.
--
-- KEYS  state      the pool's state
--       win        the closed slots of the groups' windows
--       learned    limits stated by the provider
--       ...        all ready sets of an indexed pool
-- ARGV  ceiling    latest plausible time on the pool's clock in microseconds, 0 if unknown
--       given      a test's clock in microseconds, - for Redis TIME
--       group      the quota group
--       granted    grant time of the answered request, 0 if unknown: the answer may be as old
--       ...        stated limits of requests, input, output, input + output; 0 where none is stated
--       ...        the remainder of each; - where none is stated
--       ...        milliseconds until each is full again, at least; - where none is stated
-- REPLY {1, time, requests, input, output}     charged foreign usage
--       {-3}                                   unknown pool or group
-- COST  two reads, one write; one more when a limit is new; two reads and a write more if the group is below another
-- @include numbers
-- @include pool
-- @include key
-- @include group
-- @include ring
-- @include foreign
-- @include records
-- @include refund
-- @include coming
-- @include leaving
-- @include gate
-- @include days
-- @include choice
-- @include learned
-- @include index
local state, win, learned, group = KEYS[1], KEYS[2], KEYS[3], ARGV[3]
local given, ceiling = clock(ARGV[2], ARGV[1])
local stated, rest, full_us = {}, {}, {}
for d = 1, 4 do
  stated[d] = number(ARGV[d + 4], 'limit')
  rest[d] = ARGV[d + 8] ~= '-' and number(ARGV[d + 8], 'remaining')
  full_us[d] = ARGV[d + 12] ~= '-' and number(ARGV[d + 12], 'full_ms') * 1000
end
local granted = moment(ARGV[4], 'granted')
local r = open(state, win)
local told = r and group_of(r, group)
if not told then return { -3 } end
local p = r.pool
local now = pool_time(p, given, ceiling)

-- Applies these to a group. Returns what is charged as the use of others; nil if the group is not configured.
local function apply(g, stated, rest)
  local packed = redis.call('HGET', state, 'c:' .. g.id)
  if not packed then return end
  roll(win, p, g, math.floor(now / p[SLOT]))
  flow(p, g, now)

  local line = redis.call('HGET', learned, g.id)
  local known, seen = learned_of(line)
  local configured, had = { struct.unpack(CONFIGURED, packed) }, admitted_by(least_share(known, seen), p, g[BURST])
  local slack, lately = {}, nil
  for d = 1, 4 do
    if stated[d] > 0 then known[d] = stated[d] end
    limit(p, g, d, effective(configured[d], known[d]))
    -- providers round remaining tokens to thousands
    slack[d] = math.max(stated[d] / 100, d == 1 and 1 or 1000)
    if stated[d] > 0 and rest[d] then
      turn_seen(seen, now)
      local counted -- of our use, by the provider, when it wrote the answer
      if full_us[d] then
        counted = full_us[d] * stated[d] / p[WINDOW]
      else
        lately = lately or charged_since(win, p, g, granted)
        counted = math.max(0, g[LEVEL + d] - coming_of(g, d) - lately[d] - slack[d])
      end
      seen[d] = math.max(seen[d], math.floor(math.min(2 * stated[d], rest[d] + counted)))
    end
  end
  local now_known = learned_line(known, seen)
  if now_known ~= line then redis.call('HSET', learned, g.id, now_known) end
  g.stated = nil -- a survey reads it anew

  -- A bucket that turns out to hold more gives the burst back at once.
  local admits, _, shrunk = admitted_by(least_share(known, seen), p, g[BURST]), burst_of(g[BURST], g[SHRUNK], g[SHRUNK_AT], now)
  local admitted = math.min(admits, admits > had and math.min(1, shrunk * admits / had) or shrunk)
  if admitted ~= shrunk then g[SHRUNK], g[SHRUNK_AT] = admitted, now end

  local foreign = { 0, 0, 0 }
  for d = 1, 4 do
    if stated[d] > 0 and rest[d] then
      local missing = stated[d] - share_of(known, seen, d) * stated[d] -- what the bucket does not hold
      -- a part of what is to come is made already, and not reported yet
      local ours = g[LEVEL + d]
      if p[BUCKET] == 0 and not (full_us[d] and refills(stated, seen, d)) then
        ours = math.max(ours, used_of(g, d) + coming_of(g, d) - missing)
      end
      local aged = math.max(0, now - granted) * stated[d] / p[WINDOW] -- as much may have gone since
      local unknown = math.floor(stated[d] - missing - rest[d] - ours - slack[d] - aged)
      local as = d == 4 and 2 or d -- the split of total tokens is unknown: count them as input
      if unknown > 0 then foreign[as] = math.max(foreign[as], unknown) end
    end
  end
  charge(g, unpack(foreign))
  note_foreign(p, g, foreign, now)
  change(r, g)
  return foreign
end

-- Below another group the answer tells of either. Of that one, where it states its limit. Of neither if it states more than
-- the group may use: then it is of the one above, whose limit nobody knows.
local over = levels.above(r, told)
local of_over, left_of_over = { 0, 0, 0, 0 }, {}
local most = over and redis.call('HGET', state, 'c:' .. group)
most = most and { struct.unpack(CONFIGURED, most) }
for d = 1, most and 4 or 0 do
  if stated[d] > 0 and stated[d] == over[LIMIT + d] then
    of_over[d], left_of_over[d], rest[d] = stated[d], rest[d], nil
  elseif most[d] > 0 and stated[d] > most[d] then
    rest[d] = nil
  end
end
local foreign = apply(told, stated, rest)
if not foreign then return { -3 } end
if math.max(unpack(of_over)) > 0 then
  local others = apply(over, of_over, left_of_over)
  for d = 1, 3 do foreign[d] = foreign[d] + (others and others[d] or 0) end
end
redis.call('PEXPIRE', learned, LEARNED_MS)
write(r)
reopen(r, group, nil, 4, KEYS)
return { 1, now, unpack(foreign) }

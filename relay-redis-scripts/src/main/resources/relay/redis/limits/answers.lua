-- What a provider's answer states of a group's limits.
--
-- A stated limit is kept and holds for all replicas. A stated remainder can only raise our usage: answers are stale by everything
-- in flight. The most that the provider's bucket was seen to hold bounds the burst. If less is left of that than our use
-- explains, another user shares the account: the difference is charged, spread over the time since the last answer, and ages out
-- like other usage.
-- @uses wire/numbers, state/pool, state/quota_group, state/records, state/ring, limits/foreign_use
-- @uses limits/learned_limits, limits/bucket_proof, limits/late_usage, choose/ready_sets
local answers = {}
local SPREAD = 16 -- into which a charge for a whole window is spread
local KNOWN = 0.1 -- of a limit: others are known to use the account
local SPARED, SCARCE = 0.05, 0.25 -- of a limit
local REFILLED_US = 1800e6 -- after an answer that had more left than a window, the stated time is that of a bucket
local JUST_BEFORE = 0.05 -- of a window, at most a second: requests overtake each other on their way

-- Parses `limit limit limit limit`, remainders and milliseconds until each is full, from an argument on.
local function read(args, from)
  local stated, left, full_us = {}, {}, {}
  for d = 1, 4 do
    stated[d] = numbers.number(args[from + d - 1], 'limit')
    left[d] = args[from + d + 3] ~= '-' and numbers.number(args[from + d + 3], 'remaining')
    full_us[d] = args[from + d + 7] ~= '-' and numbers.number(args[from + d + 7], 'full_ms') * 1000
  end
  return stated, left, full_us
end

-- Charges the use of others: to the pacer now, and to the window spread over the time since `from`.
local function charge_others(r, g, foreign, from, now)
  local p = r.pool
  local most, first = math.max(unpack(foreign)), math.max(from, now - p[WINDOW] * (SLOTS - 1) / SLOTS)
  if most == 0 then return end
  local parts = math.max(1, math.min(SPREAD, math.ceil((now - first) / p[WINDOW] * SPREAD)))
  local rest = { unpack(foreign) }
  for n = parts, 1, -1 do
    local slot, part = math.floor((first + (now - first) * (n - 0.5) / parts) / p[SLOT]), {}
    if n == parts then slot = math.floor(now / p[SLOT]) end
    for d = 1, 3 do
      part[d] = n == 1 and rest[d] or math.floor(foreign[d] / parts)
      rest[d] = rest[d] - part[d]
    end
    if part[1] + part[2] + part[3] > 0 then late_usage.count(r.win, p, g, slot, unpack(part)) end
  end
  for d = 1, 4 do
    if g[LIMIT + d] > 0 then g[LEVEL + d] = g[LEVEL + d] + (d == 4 and foreign[2] + foreign[3] or foreign[d]) end
  end
end

-- What the provider admits at once, as learned.
local function admitted(p, g, known, seen)
  return learned_limits.admitted(learned_limits.least_share(known, seen, p, g), g, g[BURST])
end

-- Takes the stated limits, and how much a bucket was seen to hold. `slack` of the answer: what rounding may hide.
local function take_limits(r, g, answer, known, seen, configured)
  local p, stated, left, full_us, now = r.pool, answer.stated, answer.left, answer.full_us, answer.now
  local slack, lately = {}, nil
  answer.slack = slack
  for d = 1, 4 do
    if stated[d] > 0 then known[d] = stated[d] end
    quota_group.limit(g, d, learned_limits.effective(configured[d], known[d]))
    -- providers round remaining tokens to thousands
    slack[d] = math.max(stated[d] / 100, d == 1 and 1 or 1000)
    if stated[d] > 0 and left[d] then
      learned_limits.turn(seen, now)
      local counted -- of our use, by the provider, when it wrote the answer
      if full_us[d] then
        counted = full_us[d] * stated[d] / p[WINDOW]
      else
        lately = lately or foreign_use.since(r.win, p, g, answer.granted)
        counted = math.max(0, g[LEVEL + d] - quota_group.coming_of(g, d) - lately[d] - slack[d])
      end
      seen[d] = math.max(seen[d], math.floor(math.min(2 * stated[d], left[d] + counted)))
    end
  end
end

-- What a limit's bucket does not hold of it.
local function missing_of(answer, known, seen, d)
  return answer.stated[d] - learned_limits.share(known, seen, d) * answer.stated[d]
end

-- Weighs what a fresh answer says of the rule by which the provider refills. `aged` of the answer: what may have flown off since the
-- grant. `since_then`, called only if it matters: what was charged since a little before it, which the provider may not have counted.
local function weigh(r, g, answer, known, seen, e)
  local p, stated, left, granted, now = r.pool, answer.stated, answer.left, answer.granted, answer.now
  local others, refused, young = bucket_proof.others(p, e, now), quota_group.refused_of(p, g, now), nil
  answer.aged = {}
  function answer.since_then()
    young = young or foreign_use.since(r.win, p, g, granted - math.min(1e6, JUST_BEFORE * p[WINDOW]))
    return young
  end
  for d = 1, 4 do
    if stated[d] > 0 and left[d] and answer.full_us[d] and now - granted < p[WINDOW] / 4 then
      answer.aged[d] = (now - granted) * stated[d] / p[WINDOW]
      local not_ours = (d == 1 and refused or 0) + others * stated[d]
      local is_refilled = bucket_proof.is_refilled(g, d, answer, left[d], not_ours)
      local missing = missing_of(answer, known, seen, d)
      if is_refilled or missing > 0 and bucket_proof.is_refilled(g, d, answer, left[d] + missing, not_ours) then
        e[d].refilled = now
      end
      if p[BUCKET] == AUTO then bucket_proof.weigh(p, g, e, d, answer, is_refilled, others) end
    end
  end
  if p[BUCKET] == AUTO and g[MIRRORED] == 0 and bucket_proof.is_complete(p, g, e, now) then bucket_proof.believe(g, e, left, now) end
end

-- What others have used, as far as an answer tells: by requests, input and output; and the largest share of a limit.
local function foreign_of(r, g, answer, known, seen, e)
  local p, stated, left, now = r.pool, answer.stated, answer.left, answer.now
  local others, refused = bucket_proof.others(p, e, now), quota_group.refused_of(p, g, now)
  local foreign, part = { 0, 0, 0 }, 0
  for d = 1, 4 do
    if stated[d] > 0 and left[d] then
      local missing = missing_of(answer, known, seen, d)
      -- a part of what is to come is made already, and not reported yet
      local ours, gone = math.max(0, g[LEVEL + d]), d == 1 and refused or 0
      local refills = answer.full_us[d] and learned_limits.refills(stated, seen, d) and now - e[d].refilled < REFILLED_US
      if g[MIRRORED] == 0 and not refills then
        ours = math.max(ours, quota_group.used_of(g, d) + quota_group.coming_of(g, d) - missing - gone)
      end
      local doubt = answer.slack[d] + math.max(0, now - answer.granted) * stated[d] / p[WINDOW] -- as much may have gone since
      -- Beside others who are known, what is left at the end is kept: else both would be at the edge for ever.
      if others >= KNOWN and left[d] < SCARCE * (stated[d] - missing) then doubt = -SPARED * stated[d] end
      local unknown = math.floor(stated[d] - missing - left[d] - ours - doubt)
      local as = d == 4 and 2 or d -- the split of total tokens is unknown: count them as input
      if unknown > 0 then foreign[as], part = math.max(foreign[as], unknown), math.max(part, unknown / stated[d]) end
    end
  end
  return foreign, part
end

-- Applies an answer to a group. Returns what is charged as the use of others; nil if the group is not configured.
local function apply(r, learned, g, answer)
  local p, now = r.pool, answer.now
  local packed = redis.call('HGET', r.state, 'c:' .. g.id)
  if not packed then return end
  ring.roll(r.win, p, g, math.floor(now / p[SLOT]))
  quota_group.flow(p, g, now)

  local lines = redis.call('HMGET', learned, g.id, bucket_proof.field(g.id))
  local e = bucket_proof.read(lines[2])
  local known, seen = learned_limits.of(lines[1])
  local had, others = admitted(p, g, known, seen), bucket_proof.others(p, e, now)
  take_limits(r, g, answer, known, seen, { struct.unpack(quota_group.CONFIGURED, packed) })
  weigh(r, g, answer, known, seen, e)

  -- A bucket that turns out to hold more gives the burst back at once.
  local admits = admitted(p, g, known, seen)
  local _, shrunk = quota_group.burst_of(g[BURST], g[SHRUNK], g[SHRUNK_AT], now)
  local burst = math.min(admits, admits > had and math.min(1, shrunk * admits / had) or shrunk)
  if burst ~= shrunk then g[SHRUNK], g[SHRUNK_AT] = burst, now end

  local foreign, part = foreign_of(r, g, answer, known, seen, e)
  charge_others(r, g, foreign, math.max(e.answered_at, now - p[WINDOW]), now)
  foreign_use.note(p, g, foreign, now)
  if part > 0 then e.others, e.others_at = math.min(9, others + part), now end
  e.answered_at = now
  redis.call('HSET', learned, g.id, learned_limits.line(known, seen), bucket_proof.field(g.id), bucket_proof.text(e))
  g.stated = nil -- a survey reads it anew
  records.change(r, g)
  return foreign
end

-- Applies an answer to the request of a group. Below another group it tells of either. Of that one, where it states its
-- limit. Of neither if it states more than the group may use: then it is of the one above, whose limit nobody knows.
local function apply_answer(r, learned, answer)
  local g, stated, left = records.group(r, answer.group), answer.stated, answer.left
  local over = g and records.above(r, g)
  local of_over, left_of_over = { 0, 0, 0, 0 }, {}
  local most = over and redis.call('HGET', r.state, 'c:' .. answer.group)
  most = most and { struct.unpack(quota_group.CONFIGURED, most) }
  for d = 1, most and 4 or 0 do
    if stated[d] > 0 and stated[d] == over[LIMIT + d] then
      of_over[d], left_of_over[d], left[d] = stated[d], left[d], nil
    elseif most[d] > 0 and stated[d] > most[d] then
      left[d] = nil
    end
  end
  local foreign = g and apply(r, learned, g, answer)
  if not foreign then return end
  if math.max(unpack(of_over)) > 0 then
    answer.stated, answer.left = of_over, left_of_over
    local others = apply(r, learned, over, answer)
    for d = 1, 3 do foreign[d] = foreign[d] + (others and others[d] or 0) end
  end
  return foreign
end

-- The limits that answers stated of a group; `why` is then known, too.
function answers.known(p, learned, g)
  if not g.stated then
    local lines = redis.call('HMGET', learned, g.id, bucket_proof.field(g.id))
    g.stated, g.why = learned_limits.of(lines[1]), bucket_proof.why(p, g, bucket_proof.read(lines[2]))
  end
  return g.stated
end

-- Parses answers, a line each: see observe.
function answers.parse(lines)
  local parsed = {}
  for text in string.gmatch(lines, '[^\n]+') do
    local words = {}
    for word in string.gmatch(text, '%S+') do words[#words + 1] = word end
    if #words ~= 14 then error({ err = 'BADARG an answer has 14 words' }) end
    local stated, left, full_us = read(words, 3)
    parsed[#parsed + 1] = { group = words[1], granted = numbers.moment(words[2], 'granted'), stated = stated, left = left, full_us = full_us }
  end
  return parsed
end

-- Applies parsed answers. Returns the foreign usage that it charged, three numbers an answer, and whether all groups are known.
function answers.apply_all(r, learned, parsed, now)
  local charged, known = {}, true
  for _, answer in ipairs(parsed) do
    answer.now = now
    local foreign = apply_answer(r, learned, answer)
    if foreign then
      ready_sets.reopen(r, answer.group)
      for d = 1, 3 do charged[#charged + 1] = foreign[d] end
    else
      known = false
    end
  end
  redis.call('PEXPIRE', learned, LEARNED_MS)
  return charged, known
end

-- Whether the provider refills a group's limits as buckets: what its answers prove of it, for pools whose accounting is `auto`. A
-- group begins with windows. It goes over to buckets when all limits that its answers name are proven: limit, remainder and the
-- time until it is full fit one continuous refill, in enough answers in a row over half a window. A window or a log
-- fits some of these: enough answers must state more left than a window could have. An answer that does not fit, such as one that
-- others' use explains, begins anew. A refusal ends the belief, as do times of a window, and each end doubles what the next proof
-- needs.
--
-- Field `rule <group>` of the hash `learned` keeps it: `sliding_window at 1790000000000000 back 0 others 0.00 at 0 told 0 flaw -
-- rpm 12 7 149 1790000000000000 1790000000000000 itpm - ...`: for each limit the answers that fit, those of them that no window
-- explains, the bucket's size as the least that they tell, since when, and when an answer last had more left than a window. `others`
-- is the share of a limit that others used of late.
-- @uses state/pool, state/quota_group, limits/learned_limits
local bucket_proof = {}
local ENOUGH, LONG_ENOUGH = 20, 0.5 -- answers, windows
local MOST_DOUBLINGS = 20
local COARSE_US = 2e6 -- a time in whole seconds may be so much later than the least that it means
local A_FEW = 0.05 -- of a limit
local LITTLE = 0.15 -- of a limit: with less in use a window cannot be told from a bucket, and it does not matter
local NAMES = { 'rpm', 'itpm', 'otpm', 'tpm' }
local RULES = { sliding_window = 0, token_bucket = 1 }
local HEAD = '^(%S+) at (%d+) back (%d+) others (%S+) at (%d+) told (%d+) flaw (%S+)'

function bucket_proof.field(id) return 'rule ' .. id end

function bucket_proof.read(line)
  local rule, at, back, others, others_at, told, flaw = string.match(line or '', HEAD)
  local e = {
    rule = RULES[rule] or 0, at = tonumber(at or 0), back = tonumber(back or 0), others = tonumber(others or 0),
    others_at = tonumber(others_at or 0), answered_at = tonumber(told or 0), flaw = flaw or '-',
  }
  for d, name in ipairs(NAMES) do
    local n, telling, size, since, refilled = string.match(line or '', ' ' .. name .. ' (%d+) (%d+) (%d+) (%d+) (%d+)')
    e[d] = {
      n = tonumber(n or 0), telling = tonumber(telling or 0), size = tonumber(size or 0), since = tonumber(since or 0),
      refilled = tonumber(refilled or 0),
    }
  end
  return e
end

function bucket_proof.text(e)
  local line = string.format('%s at %.0f back %.0f others %.2f at %.0f told %.0f flaw %s',
    e.rule == 1 and 'token_bucket' or 'sliding_window', e.at, e.back, e.others, e.others_at, e.answered_at, e.flaw)
  for d, name in ipairs(NAMES) do
    local one = e[d]
    line = line .. (one.since + one.refilled == 0 and ' ' .. name .. ' -'
      or string.format(' %s %.0f %.0f %.0f %.0f %.0f', name, one.n, one.telling, one.size, one.since, one.refilled))
  end
  return line
end

-- Begins a limit's proof anew. `why`: what does not fit.
local function begin(e, d, why, now)
  e[d], e.flaw = { n = 0, telling = 0, size = 0, since = now, refilled = e[d].refilled }, why
end

local function disbelieve(g, e)
  e.rule, e.back, g[MIRRORED] = 0, e.back + 1, 0
end

-- Whether an answer has more of a limit left than a window could have that counts only our own use. `left`: what it has left, or
-- would have if its bucket were as large as the limit. `not_ours`: charged as others' use, or refused.
function bucket_proof.is_refilled(g, d, answer, left, not_ours)
  local stated = answer.stated[d]
  local used, counted = quota_group.used_of(g, d), stated - left + answer.slack[d] + answer.aged[d] + 0.03 * stated
  used = used - not_ours
  if d > 1 then used = 0.9 * used end -- estimates are in it
  return counted < used and counted < used - answer.since_then()[d]
end

-- Weighs what an answer says of one limit. `is_refilled`: as above; `others`: the share that others used of late.
function bucket_proof.weigh(p, g, e, d, answer, is_refilled, others)
  local one, stated, left, now = e[d], answer.stated[d], answer.left[d], answer.now
  local slack, aged, rate = answer.slack[d], answer.aged[d], stated / p[WINDOW]
  local size, coarse = left + answer.full_us[d] * rate, COARSE_US * rate
  local holds = math.min(stated, math.max(one.size, size))
  local owed = math.max(0, g[LEVEL + d])
  if size > 1.1 * stated then
    if e.rule == 1 then disbelieve(g, e) end
    return begin(e, d, 'window', now)
  end
  if others > A_FEW or holds - left > owed + slack + aged then return begin(e, d, 'others', now) end
  if size + coarse + slack + 0.02 * stated < one.size then return begin(e, d, 'size', now) end
  local lately = answer.since_then()[d]
  if g[LIMIT + d] == stated and holds + coarse - left < owed - quota_group.coming_of(g, d) - lately - slack - 0.05 * stated then
    return begin(e, d, 'left', now)
  end
  if one.since == 0 then one.since = now end
  one.n, one.size = one.n + 1, math.max(one.size, math.floor(size))
  if is_refilled then one.telling = one.telling + 1 end
end

-- Whether all limits that answers named are proven.
function bucket_proof.is_complete(p, g, e, now)
  local doubled, strong = 2 ^ math.min(e.back, MOST_DOUBLINGS), false
  local enough, long = ENOUGH * doubled, LONG_ENOUGH * p[WINDOW] * doubled
  for d = 1, 4 do
    local one = e[d]
    if one.since > 0 and g[LIMIT + d] > 0 then
      if one.n < enough or now - one.since < long then return false end
      if one.telling >= enough / 2 then
        strong = true
      else
        if quota_group.used_of(g, d) > LITTLE * g[LIMIT + d] then return false end
      end
    end
  end
  return strong
end

-- The group's limits are buckets from now on. What no answer tells of counts as used just now.
function bucket_proof.believe(g, e, left, now)
  e.rule, e.at, e.flaw, g[MIRRORED] = 1, now, '-', 1
  for d = 1, 4 do
    local owed = e[d].since > 0 and left[d] and e[d].size - left[d] or quota_group.used_of(g, d)
    g[LEVEL + d] = math.max(g[LEVEL + d], math.min(g[LIMIT + d], owed))
  end
end

-- The provider refused a request for its rate that was granted at this time. No bucket that was believed in does.
function bucket_proof.refute(learned, p, g, granted, now)
  if p[BUCKET] ~= AUTO then return end
  local e = bucket_proof.read(redis.call('HGET', learned, bucket_proof.field(g.id)))
  if granted <= e.at then return end
  if e.rule == 1 then disbelieve(g, e) end
  e.at = now
  for d = 1, 4 do
    if e[d].since > 0 then begin(e, d, 'refused', now) end
  end
  bucket_proof.write(learned, g, e)
end

function bucket_proof.write(learned, g, e)
  redis.call('HSET', learned, bucket_proof.field(g.id), bucket_proof.text(e))
  redis.call('PEXPIRE', learned, LEARNED_MS)
  g.stated = nil -- a survey reads it anew
end

-- The rule of a group in a pool of this accounting.
function bucket_proof.rule(bucket, line)
  if bucket ~= AUTO then return bucket end
  return bucket_proof.read(line).rule
end

-- The share of a limit that others used of late.
function bucket_proof.others(p, e, now)
  return e.others * math.max(0, 1 - (now - e.others_at) / p[WINDOW])
end

local FLAWS = {
  window = 'the stated times are those of a window, not of a bucket', others = 'others use the account, too',
  size = 'what the answers say of a bucket\'s size differs', left = 'more was left than a bucket would have',
  refused = 'the provider refused what a bucket would have admitted',
}

-- Why a group follows its rule, for people.
function bucket_proof.why(p, g, e)
  if p[BUCKET] ~= AUTO then return 'configured' end
  local least, sizes = nil, ''
  for d, name in ipairs(NAMES) do
    if e[d].since > 0 and g[LIMIT + d] > 0 then
      least = math.min(least or e[d].n, e[d].n)
      if e[d].size > 0 then sizes = sizes .. string.format('%s%s %.0f', sizes == '' and '' or ', ', name, e[d].size) end
    end
  end
  if g[MIRRORED] > 0 then return 'the answers prove buckets' .. (sizes == '' and '' or ' of ' .. sizes) end
  if not least then return 'no answer states a limit with its remainder and the time until it is full' end
  local enough = ENOUGH * 2 ^ math.min(e.back, MOST_DOUBLINGS)
  return string.format('%.0f of %.0f answers agree with a bucket%s', math.min(least, enough), enough,
    FLAWS[e.flaw] and '; before, ' .. FLAWS[e.flaw] or '')
end

-- What the provider's answers state, in the hash `learned`: one readable line per group, such as `rpm 50 itpm 30000
-- otpm 8000 tpm - seen 49 30000 8000 - before - - - - since 1790000000000000`. It survives the pool's state.
-- `seen` is the most of each limit that the provider's bucket was seen to hold in this half hour, `before` in the one
-- before it. It may lie above the limit: then the limit is not a bucket's.
-- @uses state/pool, state/quota_group
local learned_limits = {}
local LEARNED_MS = 2592000000 -- kept this long after the last answer that stated one
local HALF_HOUR_US = 1800e6
local BEFORE, SINCE = 4, 9 -- places in `seen`

-- Parses a line: its four limits, 0 where none is stated, and what was seen, -1 where that is unknown.
function learned_limits.of(line)
  local stated, seen = { 0, 0, 0, 0 }, { -1, -1, -1, -1, -1, -1, -1, -1, 0 }
  if line then
    for d, text in ipairs({ string.match(line, '^rpm (%S+) itpm (%S+) otpm (%S+) tpm (%S+)') }) do
      stated[d] = tonumber(text) or 0
    end
    local were = { string.match(line, ' seen (%S+) (%S+) (%S+) (%S+) before (%S+) (%S+) (%S+) (%S+) since (%d+)$') }
    for n, text in ipairs(were) do seen[n] = tonumber(text) or -1 end
  end
  return stated, seen
end

function learned_limits.line(stated, seen)
  local function text(n, none) return n > none and string.format('%.0f', n) or '-' end
  local line = 'rpm ' .. text(stated[1], 0) .. ' itpm ' .. text(stated[2], 0) .. ' otpm ' .. text(stated[3], 0) .. ' tpm '
    .. text(stated[4], 0)
  if seen[SINCE] == 0 then return line end
  for n = 1, 8 do
    line = line .. (n == 1 and ' seen ' or n == BEFORE + 1 and ' before ' or ' ') .. text(seen[n], -1)
  end
  return line .. ' since ' .. string.format('%.0f', seen[SINCE])
end

-- The effective limit: the smaller of the stated and the configured one, which may leave a part of it unused.
function learned_limits.effective(configured, stated)
  if configured == 0 or stated == 0 then return math.max(configured, stated) end
  return math.min(configured, stated)
end

-- How much of a stated limit the provider's bucket holds, as a share: all, unless less was ever seen in it.
function learned_limits.share(stated, seen, d)
  local most = math.max(seen[d], seen[BEFORE + d])
  if stated[d] == 0 or most < 0 or most >= 0.9 * stated[d] then return 1 end
  return most / stated[d]
end

-- The smallest of these shares. A bucket that answers have proven is as large as they say, and no larger.
function learned_limits.least_share(stated, seen, p, g)
  local least = 1
  for d = 1, 4 do
    local share = learned_limits.share(stated, seen, d)
    if share == 1 and p[BUCKET] == AUTO and g[MIRRORED] > 0 and stated[d] > 0 then
      local most = math.max(seen[d], seen[BEFORE + d])
      if most >= 0 then share = math.min(1, most / stated[d]) end
    end
    if share < least then least = share end
  end
  return least
end

-- The share of the burst that a bucket of this share admits.
function learned_limits.admitted(share, g, burst)
  if share == 1 then return 1 end
  return math.max(LEAST_BURST, math.min(1, 0.95 * share / (g[MIRRORED] > 0 and math.min(0.95, burst) or burst)))
end

-- Whether the time until a limit is full again is that of a bucket. A provider that counts in windows tells the
-- window's end: with much left, a bucket would be full long before.
function learned_limits.refills(stated, seen, d) return math.max(seen[d], seen[BEFORE + d]) <= 1.1 * stated[d] end

-- Begins another half hour, if this one is over.
function learned_limits.turn(seen, now)
  local passed = now - seen[SINCE]
  if passed < HALF_HOUR_US then return end
  for d = 1, 4 do seen[BEFORE + d], seen[d] = passed < 2 * HALF_HOUR_US and seen[d] or -1, -1 end
  seen[SINCE] = now
end

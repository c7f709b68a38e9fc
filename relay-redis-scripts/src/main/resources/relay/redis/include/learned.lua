-- What the provider's answers state, in the hash `learned`: one readable line per group, such as `rpm 50 itpm 30000
-- otpm 8000 tpm - left 49 30000 8000 - before - - - - since 1790000000000000`. It survives the pool's state.
-- `left` is the most of each limit that was ever left in this half hour, `before` in the one before it.
-- @uses group
local LEARNED_MS = 30 * 86400000 -- kept this long after the last answer that stated one
local HALF_HOUR_US = 1800e6
local BEFORE, SINCE = 4, 9 -- places in `left`
local LEAST_BURST = 1 / 64

-- Parses a line: its four limits, 0 where none is stated, and what was left, -1 where that is unknown.
local function learned_of(line)
  local stated, left = { 0, 0, 0, 0 }, { -1, -1, -1, -1, -1, -1, -1, -1, 0 }
  if line then
    for d, text in ipairs({ string.match(line, '^rpm (%S+) itpm (%S+) otpm (%S+) tpm (%S+)') }) do
      stated[d] = tonumber(text) or 0
    end
    local were = { string.match(line, ' left (%S+) (%S+) (%S+) (%S+) before (%S+) (%S+) (%S+) (%S+) since (%d+)$') }
    for n, text in ipairs(were) do left[n] = tonumber(text) or -1 end
  end
  return stated, left
end

local function learned_line(stated, left)
  local function text(n, none) return n > none and string.format('%.0f', n) or '-' end
  local line = 'rpm ' .. text(stated[1], 0) .. ' itpm ' .. text(stated[2], 0) .. ' otpm ' .. text(stated[3], 0) .. ' tpm '
    .. text(stated[4], 0)
  if left[SINCE] == 0 then return line end
  for n = 1, 8 do
    line = line .. (n == 1 and ' left ' or n == BEFORE + 1 and ' before ' or ' ') .. text(left[n], -1)
  end
  return line .. ' since ' .. string.format('%.0f', left[SINCE])
end

-- The effective limit: the smaller of the stated and the configured one, which may leave a part of it unused.
local function effective(configured, stated)
  if configured == 0 or stated == 0 then return math.max(configured, stated) end
  return math.min(configured, stated)
end

-- How much of a stated limit the provider's bucket holds, as a share: all, unless less was ever left.
local function share_of(stated, left, d)
  local most = math.max(left[d], left[BEFORE + d])
  if stated[d] == 0 or most < 0 or most >= 0.9 * stated[d] then return 1 end
  return most / stated[d]
end

-- The smallest of these shares.
local function least_share(stated, left)
  return math.min(share_of(stated, left, 1), share_of(stated, left, 2), share_of(stated, left, 3), share_of(stated, left, 4))
end

-- The share of the burst that a bucket of this share admits.
local function admitted_by(share, burst)
  return share == 1 and 1 or math.max(LEAST_BURST, math.min(1, 0.95 * share / burst))
end

-- Takes what is left by an answer, with what we owe already: so much the bucket holds.
local function note_left(left, stated, rest, owed, now)
  local passed = now - left[SINCE]
  if passed >= HALF_HOUR_US then
    for d = 1, 4 do left[BEFORE + d], left[d] = passed < 2 * HALF_HOUR_US and left[d] or -1, -1 end
    left[SINCE] = now
  end
  for d = 1, 4 do
    if stated[d] > 0 and rest[d] then
      left[d] = math.max(left[d], math.floor(math.min(stated[d], rest[d] + owed[d])))
    end
  end
end

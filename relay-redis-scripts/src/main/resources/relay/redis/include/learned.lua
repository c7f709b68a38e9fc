-- Limits stated in the provider's answers, in the hash `learned`: one readable line per group, such as `rpm 50
-- itpm 30000 otpm 8000 tpm -`. It survives the pool's state.
-- @uses group
local LEARNED_MS = 30 * 86400000 -- kept this long after the last answer that stated one

-- Parses a line's four limits; 0 where none is stated.
local function learned_of(line)
  local stated = { 0, 0, 0, 0 }
  if line then
    for d, text in ipairs({ string.match(line, '^rpm (%S+) itpm (%S+) otpm (%S+) tpm (%S+)') }) do
      stated[d] = tonumber(text) or 0
    end
  end
  return stated
end

local function learned_line(stated)
  local function text(d) return stated[d] > 0 and string.format('%.0f', stated[d]) or '-' end
  return 'rpm ' .. text(1) .. ' itpm ' .. text(2) .. ' otpm ' .. text(3) .. ' tpm ' .. text(4)
end

-- The effective limit: the smaller of the stated and the configured one, which may leave a part of it unused.
local function effective(configured, stated)
  if configured == 0 or stated == 0 then return math.max(configured, stated) end
  return math.min(configured, stated)
end

-- Limits that the provider stated in its answers, in the hash `learned`: one readable line a group, as
-- `rpm 50 itpm 30000 otpm 8000 tpm -`. It outlives the pool's state.
-- @uses group
local LEARNED_MS = 30 * 86400000 -- how long they are kept after the last answer that stated one

-- The four limits in a line, 0 where none was stated.
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

-- What holds: the provider's word, and what the configuration wants to leave unused of it.
local function effective(configured, stated)
  if configured == 0 or stated == 0 then return math.max(configured, stated) end
  return math.min(configured, stated)
end

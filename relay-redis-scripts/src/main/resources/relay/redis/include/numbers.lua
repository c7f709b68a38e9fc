-- A count or a duration from outside: decimal digits only, at most 10^12. `tonumber` alone would
-- take nan, 0x10 and 1e400, and a NaN passes every deny-if-greater test.
local function number(text, name)
  local n = text and string.find(text, '^%d+$') and tonumber(text)
  if not n or n > 1e12 then error({ err = 'BADARG ' .. name .. ' must be a whole number from 0 to 10^12' }) end
  return n
end

-- Likewise of digits that a pattern has found.
local function bounded(digits, name)
  local n = digits + 0
  if n > 1e12 then error({ err = 'BADARG ' .. name .. ' must be a whole number from 0 to 10^12' }) end
  return n
end

-- Nothing may be left of a line that was read up to here.
local function read_to(line, at)
  if at ~= #line + 1 then error({ err = 'BADARG there are more numbers than are asked for' }) end
end

-- Likewise a moment in microseconds, below 2^53: up to there a double counts exactly.
local function bounded_moment(digits, name)
  local n = digits and digits + 0
  if not n or n >= 2 ^ 53 then error({ err = 'BADARG ' .. name .. ' must be a whole number below 2^53' }) end
  return n
end

local function moment(text, name) return bounded_moment(text and string.match(text, '^%d+$'), name) end

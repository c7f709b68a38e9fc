-- How `string.format` writes a whole number: with integers of 64 bits '%d' is twice as fast, else it would cut large ones.
local function whole_format() return string.format('%d', 2 ^ 40) == '1099511627776' and '%d' or '%.0f' end

-- Parses a count or a duration: decimal digits only, at most 10^12. `tonumber` alone would accept nan, 0x10 and
-- 1e400, and a NaN passes every deny-if-greater test.
local function number(text, name)
  local n = text and string.find(text, '^%d+$') and tonumber(text)
  if not n or n > 1e12 then error({ err = 'BADARG ' .. name .. ' must be a whole number from 0 to 10^12' }) end
  return n
end

-- Like `number`, for digits that a pattern has matched.
local function bounded(digits, name)
  local n = digits + 0
  if n > 1e12 then error({ err = 'BADARG ' .. name .. ' must be a whole number from 0 to 10^12' }) end
  return n
end

-- Fails unless the line ends here.
local function read_to(line, at)
  if at ~= #line + 1 then error({ err = 'BADARG there are more numbers than are asked for' }) end
end

-- A time in microseconds, below 2^53: doubles are exact up to there. For digits that a pattern has matched.
local function bounded_moment(digits, name)
  local n = digits and digits + 0
  if not n or n >= 2 ^ 53 then error({ err = 'BADARG ' .. name .. ' must be a whole number below 2^53' }) end
  return n
end

local function moment(text, name) return bounded_moment(text and string.match(text, '^%d+$'), name) end

-- Redis TIME in microseconds.
local function server_time()
  local t = redis.call('TIME')
  return t[1] * 1e6 + t[2]
end

-- The present millisecond, of scripts that need no pool's time. `given` is a test's clock in microseconds, '' in production.
local function present_ms(given)
  return math.floor((given ~= '' and moment(given, 'given') or server_time()) / 1000)
end

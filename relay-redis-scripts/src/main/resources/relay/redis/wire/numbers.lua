-- How `string.format` writes a whole number: with integers of 64 bits '%d' is twice as fast, else it would cut large ones.
local numbers = {}
function numbers.whole_format() return string.format('%d', 2 ^ 40) == '1099511627776' and '%d' or '%.0f' end

-- Parses a count or a duration: decimal digits only, at most 10^12. `tonumber` alone would accept nan, 0x10 and
-- 1e400, and a NaN passes every deny-if-greater test.
function numbers.number(text, name)
  local n = text and string.find(text, '^%d+$') and tonumber(text)
  if not n or n > 1e12 then error({ err = 'BADARG ' .. name .. ' must be a whole number from 0 to 10^12' }) end
  return n
end

-- Like `numbers.number`, for digits that a pattern has matched.
function numbers.bounded(digits, name)
  local n = digits + 0
  if n > 1e12 then error({ err = 'BADARG ' .. name .. ' must be a whole number from 0 to 10^12' }) end
  return n
end

-- Fails unless the line ends here.
function numbers.read_to(line, at)
  if at ~= #line + 1 then error({ err = 'BADARG there are more numbers than are asked for' }) end
end

-- A time in microseconds, below 2^53: doubles are exact up to there. For digits that a pattern has matched.
function numbers.bounded_moment(digits, name)
  local n = digits and digits + 0
  if not n or n >= 2 ^ 53 then error({ err = 'BADARG ' .. name .. ' must be a whole number below 2^53' }) end
  return n
end

function numbers.moment(text, name) return numbers.bounded_moment(text and string.match(text, '^%d+$'), name) end

-- Redis TIME in microseconds.
function numbers.server_time()
  local t = redis.call('TIME')
  return t[1] * 1e6 + t[2]
end

-- The present millisecond, of scripts that need no pool's time. `given` is a test's clock in microseconds, '' in production.
function numbers.present_ms(given)
  return math.floor((given ~= '' and numbers.moment(given, 'given') or numbers.server_time()) / 1000)
end

-- A count or a duration from outside: decimal digits only, at most 10^12. `tonumber` alone would
-- take nan, 0x10 and 1e400, and a NaN passes every deny-if-greater test.
local function number(text, name)
  local n = text and string.find(text, '^%d+$') and tonumber(text)
  if not n or n > 1e12 then error({ err = 'BADARG ' .. name .. ' must be a whole number from 0 to 10^12' }) end
  return n
end

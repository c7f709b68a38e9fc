-- Tells how many leases that last each of some owners has open. One that is not renewed counts until a sweep finds it.
--
-- KEYS  leases     leases by id: those of an owner are beside it, by deadline
-- ARGV  ...        the owners
-- REPLY {1, ...}                               for each its open leases
-- COST  a count of each owner's
local leases = KEYS[1]
local reply = { 1 }
for n = 1, #ARGV do
  reply[n + 1] = redis.call('ZCARD', leases .. ':@' .. ARGV[n])
end
return reply

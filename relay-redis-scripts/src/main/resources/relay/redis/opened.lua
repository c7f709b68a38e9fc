-- Tells how many leases that last each of some owners has open.
--
-- KEYS  leases     leases by id: those of an owner are beside it, by deadline
-- ARGV  given      a test's clock in microseconds, '' for Redis TIME
--       ...        the owners
-- REPLY {1, ...}                               for each its open leases
-- COST  a count of each owner's
-- @uses wire/numbers
local leases, given = KEYS[1], ARGV[1]
local now = given ~= '' and numbers.moment(given, 'given') or numbers.server_time()
local reply = { 1 }
for n = 2, #ARGV do
  reply[n] = redis.call('ZCOUNT', leases .. ':@' .. ARGV[n], '(' .. string.format('%.0f', now), '+inf')
end
return reply

-- Keys have a new secret: ends their quarantine if it was due to refused credentials, and no other. Each replica calls
-- it when it has the new secret. After the first call, `quarantine` ignores refused credentials of replicas with the
-- old secret, for five minutes.
--
-- KEYS  state      the pool's state
--       quarantine reasons by key
--       ...        all ready sets of an indexed pool
-- ARGV  replica    the caller
--       ...        the keys' ids
-- REPLY {n}                                    keys that are in use again
--       {-3}                                   unknown pool or key
-- COST  two reads, one write; two reads and two writes a key
-- @uses state/pool, state/pool_key, state/records, choose/ready_sets, fleet/members
local state, quarantine = KEYS[1], KEYS[2]
local r = records.open(state)
if not r then return { -3 } end
ready_sets.hold(r, KEYS, 3)
for n = 2, #ARGV do
  if not records.key(r, ARGV[n]) then return { -3 } end
end
local caller, restored = members.read(r).replicas[ARGV[1]], 0
local at = caller and caller.at or r.pool[LAST]
for n = 2, #ARGV do
  local id, k = ARGV[n], records.key(r, ARGV[n])
  if members.rekeyed_at(r, id) == 0 then redis.call('HSET', state, 'n:' .. id, string.format('%.0f', at)) end
  if k[K_STOPPED] == REFUSED then
    k[K_STOPPED] = 0
    restored = restored + 1
    redis.call('HDEL', quarantine, id, 'since ' .. id)
    for _, group in ipairs(records.names_in(r, 'q:' .. id)) do ready_sets.make_key_ready(r, id, group) end
    records.change(r, k)
  end
end
records.write(r)
return { restored }

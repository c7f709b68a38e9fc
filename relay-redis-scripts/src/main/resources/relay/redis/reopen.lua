-- Updates the index of a large pool when the replicas' plans have changed. A replica that learns of another plan's
-- ready sets makes all their candidates ready once: its earlier calls may have returned capacity without waking them.
-- Sets without a plan are deleted.
--
-- KEYS  state      the pool's state
--       ...        ready sets: first those to make ready, then those to delete
-- ARGV  ready      how many are to be made ready
-- REPLY {1}                                    done
--       {-3}                                   unknown pool
-- COST  two reads, two writes; one of each a set, and a write a candidate that is parked
-- @uses wire/numbers, state/records, choose/ready_sets, fleet/members
local state, ready = KEYS[1], numbers.number(ARGV[1], 'ready')
local r = records.open(state)
if not r then return { -3 } end
for n = 2, math.min(#KEYS, 1 + ready) do ready_sets.reopen_all(r, KEYS[n]) end
local fleet = members.read(r)
for n = 2 + ready, #KEYS do
  if fleet.unused[KEYS[n]] then
    ready_sets.delete_set(r, KEYS[n])
    fleet.unused[KEYS[n]], fleet.changed = nil, true
  end
end
if fleet.changed then members.write(r, fleet) end
records.write(r)
return { 1 }

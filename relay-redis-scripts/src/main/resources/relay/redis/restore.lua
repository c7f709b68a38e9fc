-- Returns keys and quota groups to use: ends their quarantines and cooldowns.
--
-- KEYS  state      the pool's state
--       quarantine reasons by key
--       ...        all ready sets of an indexed pool
-- ARGV  ...        `k:<key>`, `g:<group>`
-- REPLY {n}                                    number of keys and groups that were out of use
--       {-3}                                   unknown pool, key or group
-- COST  one read, one write; a read and a write per field
-- @uses state/pool, state/pool_key, state/quota_group, state/records, choose/ready_sets
local state, quarantine = KEYS[1], KEYS[2]
local r = records.open(state)
if not r then return { -3 } end
ready_sets.hold(r, KEYS, 3)
for _, field in ipairs(ARGV) do
  if not records.record_of(r, field) then return { -3 } end
end
local last, restored = r.pool[LAST], 0
for _, field in ipairs(ARGV) do
  local record = records.record_of(r, field)
  if record.pack == quota_group.pack then
    local g = record
    if g[COOL] > last then restored = restored + 1 end
    g[COOL], g[STRIKES] = 0, 0
    ready_sets.reopen(r, g.id)
  else
    local k = record
    if k[K_COOL] > last or k[K_STOPPED] > 0 then restored = restored + 1 end
    k[K_COOL], k[K_STOPPED] = 0, 0
    redis.call('HDEL', quarantine, k.id, 'since ' .. k.id)
    for _, group in ipairs(records.names_in(r, 'q:' .. k.id)) do ready_sets.make_key_ready(r, k.id, group) end
  end
  records.change(r, record)
end
records.write(r)
return { restored }

-- Cools a key or a quota group down. A call never shortens a cooldown; `restore` ends one. If the provider
-- refuses while the window is far from full, it admits a smaller burst than assumed: the group's burst is
-- halved, at most once for all requests granted before.
--
-- KEYS  state      the pool's state
--       win        the closed slots of the groups' windows
--       learned    limits stated by the provider, and what its answers prove
-- ARGV  ceiling    latest plausible time on the pool's clock in microseconds, 0 if unknown
--       given      a test's clock in microseconds, - for Redis TIME
--       field      `k:<key>` or `g:<group>`
--       cool_ms    duration; 0 for a group: 1 s, doubled with every refusal in a row, at most 60 s
--       granted    grant time of the request that the provider rate-limited; 0 for none
-- REPLY {1, time, cooldown_us}                 the remaining cooldown
--       {-3}                                   unknown pool, key or group
-- COST  one or two reads, one write
-- @uses wire/numbers, state/pool, state/pool_key, state/quota_group, state/records, state/ring, limits/expected
-- @uses limits/bucket_proof
local state, win, learned, field = KEYS[1], KEYS[2], KEYS[3], ARGV[3]
local given, ceiling = pool.clock(ARGV[2], ARGV[1])
local cool_us = numbers.number(ARGV[4], 'cool_ms') * 1000
local granted = numbers.moment(ARGV[5], 'granted')
local r = records.open(state, win)
local record = r and records.record_of(r, field)
if not record then return { -3 } end
local p = r.pool
local now = pool.time(p, given, ceiling)
local cool_end
if record.pack == quota_group.pack then
  local g = record
  -- a kind's group counts nothing: so no answer, but a minute without a refusal ends a row of them
  if quota_group.is_unused(g) and g[COOL] < now - 60e6 and string.find(g.id, '+', 1, true) then g[STRIKES] = 0 end
  if cool_us == 0 and g[COOL] <= now then
    cool_us = math.min(60e6, 1e6 * 2 ^ g[STRIKES])
    g[STRIKES] = math.min(g[STRIKES] + 1, 6)
  end
  local over = granted > 0 and records.above(r, g)
  if granted > 0 then
    g[REFUSALS], g[REFUSALS_AT] = quota_group.refused_of(p, g, now) + 1, now
    bucket_proof.refute(learned, p, g, granted, now)
    if over then bucket_proof.refute(learned, p, over, granted, now) end
  end
  if granted > g[SHRUNK_AT] then
    ring.roll(win, p, g, math.floor(now / p[SLOT]))
    quota_group.flow(p, g, now)
    if over then
      ring.roll(win, p, over, math.floor(now / p[SLOT]))
      quota_group.flow(p, over, now)
      records.change(r, over)
    end
    local full = math.max(expected.fullest(p, g), over and expected.fullest(p, over) or 0) >= 0.9
    if g[MIRRORED] > 0 or not full then
      local _, shrunk = quota_group.burst_of(g[BURST], g[SHRUNK], g[SHRUNK_AT], now)
      g[SHRUNK], g[SHRUNK_AT] = math.max(LEAST_BURST, shrunk * (full and 0.9 or 0.5)), now
    else
      expected.grow_strict(g, granted, now)
    end
  end
  cool_end = math.max(g[COOL], now + cool_us)
  g[COOL] = cool_end
else
  cool_end = math.max(record[K_COOL], now + cool_us)
  record[K_COOL] = cool_end
end
records.change(r, record)
records.write(r)
return { 1, now, cool_end - now }

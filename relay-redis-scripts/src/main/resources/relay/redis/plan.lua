-- Names the keys and quota groups of the live replicas' plans, for a program that has no plan: a part at a time.
--
-- KEYS  state      the pool's state
-- ARGV  cursor     0 at first, then that of the reply before
-- REPLY {1, cursor, window_ms, strategy, bucket, ...}   cursor: "0" after the last part; strategy and bucket as for
--                                              configure; then pairs, some twice: `k:<key>` and its account,
--                                              `g:<group>` and ''
--       {-3}                                   unknown pool
-- COST  a read of the pool's record, one of about a thousand fields
-- @uses state/pool
local state, cursor = KEYS[1], ARGV[1]
local value = redis.call('HGET', state, 'pool')
if not value then return { -3 } end
local p = pool.read(value, state)
local page = redis.call('HSCAN', state, cursor, 'COUNT', 1000)
local reply = { 1, page[1], math.floor(p[WINDOW] / 1000), p[STRATEGY], p[BUCKET] }
local fields = page[2]
for n = 1, #fields, 2 do
  local kind, id = string.match(fields[n], '^([de]):(.*)$')
  if kind == 'd' then
    reply[#reply + 1], reply[#reply + 2] = 'g:' .. id, ''
  elseif kind == 'e' then
    -- the last line is that of the plan which was announced last
    local account = string.match(fields[n + 1], '%d+ (%S+) %d+ %d+ %d+$')
    if account then reply[#reply + 1], reply[#reply + 2] = 'k:' .. id, account end
  end
end
return reply

-- Names the keys and quota groups of a key's account, in the plans of all replicas. A replica may know neither a key that
-- only another's plan has, nor a group that no plan names, for a sub-quota that another replica opened.
--
-- KEYS  state      the pool's state
-- ARGV  key        the key's id
--       cursor     0 at first, then that of the reply before
-- REPLY {1, cursor, ...}                       "0" after the last part; a field of each: `k:<key>`, `g:<group>`, some twice
--       {-3}                                   unknown pool, or no replica's plan has the key
-- COST  a read of the key's settings, one of about a thousand fields
local state, key, cursor = KEYS[1], ARGV[1], ARGV[2]

-- The accounts of a key: its line of each plan names one.
local function accounts_in(settings)
  local accounts = {}
  for account in string.gmatch(settings or '', '%d+ (%S+) [^\n]*') do accounts[account] = true end
  return accounts
end

local own = accounts_in(redis.call('HGET', state, 'e:' .. key))
if not next(own) then return { -3 } end
local page = redis.call('HSCAN', state, cursor, 'COUNT', 1000)
local reply = { 1, page[1] }
local fields = page[2]
for n = 1, #fields, 2 do
  local field = fields[n]
  local kind = string.byte(field)
  if kind == 103 then
    if own[string.match(field, '^g:(.*)/[^/]*$')] then reply[#reply + 1] = field end
  elseif kind == 101 then
    for account in pairs(accounts_in(fields[n + 1])) do
      if own[account] then
        reply[#reply + 1] = 'k:' .. string.sub(field, 3)
        break
      end
    end
  end
end
return reply

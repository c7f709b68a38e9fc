-- Names the keys and quota groups of a key's account, in the plans of all replicas. A replica may know neither a key that
-- only another's plan has, nor a group that no plan names, for a sub-quota that another replica opened.
--
-- KEYS  state      the pool's state
-- ARGV  key        the key's id
-- REPLY {1, ...}                               a field of each: `k:<key>`, `g:<group>`
--       {-3}                                   unknown pool, or no replica's plan has the key
-- COST  a read of all field names, one of a thousand keys' settings
local state, key = KEYS[1], ARGV[1]

-- The accounts of a key: its line of each plan names one.
local function accounts_in(settings)
  local accounts = {}
  for account in string.gmatch(settings or '', '%d+ (%S+) [^\n]*') do accounts[account] = true end
  return accounts
end

local own = accounts_in(redis.call('HGET', state, 'e:' .. key))
if not next(own) then return { -3 } end
local reply = { 1 }
local settings = {}
for _, field in ipairs(redis.call('HKEYS', state)) do
  local kind = string.byte(field)
  if kind == 103 and own[string.match(field, '^g:(.*)/[^/]*$')] then reply[#reply + 1] = field end
  if kind == 101 then settings[#settings + 1] = field end
end
for from = 1, #settings, 1000 do -- bound on the arguments of one command
  local to = math.min(from + 999, #settings)
  for n, lines in ipairs(redis.call('HMGET', state, unpack(settings, from, to))) do
    for account in pairs(accounts_in(lines)) do
      if own[account] then
        reply[#reply + 1] = 'k:' .. string.sub(settings[from + n - 1], 3)
        break
      end
    end
  end
end
return reply

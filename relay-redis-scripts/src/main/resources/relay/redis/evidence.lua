-- Remembers which requests accounts served and refused of late, by model and client, for all replicas: what one
-- client's requests meet is no state of a key. Tells what was known of a group before, and which models are refused where.
--
-- KEYS  refused    models that accounts refuse: see refuse.lua
--       ...        each event's evidence: a hash of its quota group; by what happened, the requests' models and clients
-- ARGV  given      a test's clock in microseconds, '' for Redis TIME
--       version    of `refused`, as the caller knows it
--       tell       1: tell the evidence of the first event's group; else 0
--       ...        each event: what happened, the model, the client, and how long ago in ms, - to forget it
-- REPLY {1, version, told, ...}                told: the number of values that follow, four for each piece of evidence:
--                                              what, model, client, its age in ms. Then, if the version is another,
--                                              two for each refused model: its field, the time that is left in ms
-- COST  a read and a write an event, two reads more
-- @uses wire/numbers
local KEEP_MS = 3600000
local MOST_ENTRIES = 16 -- of a group and kind
local CLIENTS_OF_MODEL = 2 -- of each model: another client than the one that asks is among them
local MOST_KINDS = 64
local refused, given = KEYS[1], ARGV[1]
local version, tells = numbers.moment(ARGV[2], 'version'), ARGV[3] == '1'
if (#ARGV - 3) % 4 ~= 0 or (#ARGV - 3) / 4 ~= #KEYS - 1 then error({ err = 'BADARG an event has a key and four values' }) end
local now = numbers.present_ms(given)

-- A list has entries of {model, client, ms}, the latest first.
local function read(text)
  return text and cjson.decode(text) or {}
end

-- The entry to drop: the third of a model, else the oldest of the client that has most.
local function surplus(list)
  local of_model, of_client, most = {}, {}, 0
  for n, entry in ipairs(list) do
    of_model[entry[1]] = (of_model[entry[1]] or 0) + 1
    if of_model[entry[1]] > CLIENTS_OF_MODEL then return n end
    of_client[entry[2]] = (of_client[entry[2]] or 0) + 1
    most = math.max(most, of_client[entry[2]])
  end
  if #list <= MOST_ENTRIES then return end
  for n = #list, 1, -1 do
    if of_client[list[n][2]] == most then return n end
  end
end

local reply = { 1, 0, 0 }
local first = 2 -- of the keys: the first event's
if tells and #KEYS > 1 then
  local stored = redis.call('HGETALL', KEYS[first])
  for n = 1, #stored, 2 do
    for _, entry in ipairs(read(stored[n + 1])) do
      local age = math.max(0, now - entry[3])
      if age <= KEEP_MS then
        reply[#reply + 1], reply[#reply + 2], reply[#reply + 3], reply[#reply + 4] = stored[n], entry[1], entry[2], age
      end
    end
  end
  reply[3] = #reply - 3
end

local accepted = false
for n = first, #KEYS do
  local at = 4 * n - 4
  local key, what, model, client = KEYS[n], ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local ms = ARGV[at + 3] ~= '-' and now - numbers.number(ARGV[at + 3], 'age_ms')
  local text = redis.call('HGET', key, what)
  if text or redis.call('HLEN', key) < MOST_KINDS then
    local list, before = read(text), nil
    for m, entry in ipairs(list) do
      if entry[1] == model and entry[2] == client then before = table.remove(list, m) break end
    end
    if ms then
      ms = math.max(ms, before and math.min(before[3], now) or 0)
      local place = 1
      while list[place] and list[place][3] > ms do place = place + 1 end
      table.insert(list, place, { model, client, ms })
      local drop = surplus(list)
      if drop then table.remove(list, drop) end
    end
    if #list == 0 then
      redis.call('HDEL', key, what)
    else
      redis.call('HSET', key, what, cjson.encode(list))
      redis.call('PEXPIRE', key, KEEP_MS)
    end
  end
  if what == 'served' and ms then -- a model that is served after its time is over starts anew
    local group = string.match(key, ':evidence:(.*)$') or ''
    for _, whose in ipairs({ '', client }) do
      local field = table.concat({ group, '0', model, whose }, '\t')
      local till = string.match(redis.call('HGET', refused, field) or '', '^until_ms (%d+) ')
      if till and tonumber(till) < ms then
        redis.call('HDEL', refused, field)
        accepted = true
      end
    end
  end
end

local present = tonumber(redis.call('HGET', refused, 'version') or 0)
if accepted then
  present = math.max(present + 1, now)
  redis.call('HSET', refused, 'version', string.format('%.0f', present))
end
reply[2] = present
if present ~= version then
  local stored = redis.call('HGETALL', refused)
  for n = 1, #stored, 2 do
    local till = string.match(stored[n + 1], '^until_ms (%d+) ')
    if till and tonumber(till) > now then
      reply[#reply + 1], reply[#reply + 2] = stored[n], tonumber(till) - now
    end
  end
end
return reply

-- Tells what a replica used in the last window, after a loss of the pool's state. Usage counts in the slots of its own time.
-- A lost pool starts in full debt, since all of its limits may have been used just before. When every replica that was alive
-- has told its usage, the debt falls to the sum of that.
--
-- KEYS  state      the pool's state
--       win        the closed slots of the groups' windows
-- ARGV  ceiling    latest plausible time on the pool's clock in microseconds, 0 if unknown
--       given      a test's clock in microseconds, - for Redis TIME
--       epoch      the epoch under which the replica uses the pool now
--       replica    its id
--       part       a large pool is told in parts: the number of this one, from 0. It counts once, and after those before
--       parts      how many there are
--       seen       the replicas that it saw alive before, separated by blanks
--       ...        for each group: its id, and `ago_us requests input output` for each time
-- REPLY {1, time, all}                         all: 1 if all have told
--       {-3}                                   unknown pool, or of another epoch
-- COST  a read and a write for each time, and a read for each replica
-- @uses wire/numbers, state/pool, state/quota_group, state/records, state/ring, limits/late_usage, fleet/members
local epoch, replica, part, parts, seen = numbers.number(ARGV[3], 'epoch'), ARGV[4], numbers.number(ARGV[5], 'part'), numbers.number(ARGV[6], 'parts'), ARGV[7]
local given, ceiling = pool.clock(ARGV[2], ARGV[1])
local told = {}
for n = 8, #ARGV, 2 do
  local words = {}
  for word in string.gmatch(ARGV[n + 1] or '', '%S+') do words[#words + 1] = word end
  told[ARGV[n]] = #words > 0 and late_usage.read(words, 1) or {}
end
local r = records.open(KEYS[1], KEYS[2])
if not r or r.pool[EPOCH] ~= epoch then return { -3 } end
local p = r.pool
local now = pool.time(p, given, ceiling)

-- Field `told:<replica>` of the state: how many parts it has told, of how many, and whom it saw.
local function standing(name)
  return string.match(redis.call('HGET', r.state, 'told:' .. name) or '', '^(%d+) (%d+) ?(.*)$')
end

-- Whether all have told whom one of them saw, and those that have announced their plan since.
local function is_complete()
  local known, left = {}, members.names_of(members.read(r).replicas)
  left[#left + 1] = replica
  while #left > 0 do
    local name = table.remove(left)
    if not known[name] then
      known[name] = true
      local done, of, others = standing(name)
      if not done or done ~= of then return false end
      for other in string.gmatch(others, '%S+') do left[#left + 1] = other end
    end
  end
  return true
end

local is_next = (standing(replica) or '0') + 0 == part
if is_next then redis.call('HSET', r.state, 'told:' .. replica, string.format('%.0f %.0f %s', part + 1, parts, seen)) end
local complete = is_complete()
local owed = math.max(0, 1 - (now - p[LOST]) / p[WINDOW]) -- of the debt with which the pool began
for id, times in pairs(told) do
  local g = records.group(r, id)
  while g do
    ring.roll(r.win, p, g, math.floor(now / p[SLOT]))
    quota_group.flow(p, g, now)
    for _, part_of in ipairs(is_next and times or {}) do
      local ago, requests, input, output = unpack(part_of)
      if late_usage.count(r.win, p, g, math.floor((now - ago) / p[SLOT]), requests, input, output) and g[MIRRORED] == 0 then
        for d, cost in ipairs({ requests, input, output, input + output }) do
          g[LEVEL + d] = math.max(0, g[LEVEL + d] - cost * owed) -- it is in the window instead
        end
      end
    end
    for d = 1, complete and 4 or 0 do
      local limit, used = g[LIMIT + d], quota_group.used_of(g, d) + quota_group.coming_of(g, d)
      -- a debt of the whole limit flows off in a window, and the pacer lets none grow beyond this
      local most = g[MIRRORED] == 0 and math.min(used, math.max(0, g[BURST] * (limit - used))) or used
      g[LEVEL + d] = math.min(g[LEVEL + d], most)
    end
    records.change(r, g)
    g = records.above(r, g)
  end
end
records.write(r)
return { 1, now, complete and 1 or 0 }

-- A quota group's record, field `g:<group>` of the state hash: little-endian doubles. What a choice
-- needs stands first, so that losers are read by the prefix HOT without building a table.
-- @uses pool
local HOT = '<ddddddddddddddd'
local GROUP = '<ddddddddddddddddddddddddddddddd'
local AT, RECENT, COOL, BURST = 1, 2, 3, 4 -- last touch, newest slot, cooldown's end, burst ratio
local LIMIT = 4 -- LIMIT + d; d: 1 requests, 2 input, 3 output, 4 input + output
local USED = 8 -- USED + d, d <= 3: sum over the live slots, the present one included
local LEVEL = 11 -- LEVEL + d: the pacer's debt
local CURRENT = 15 -- CURRENT + d, d <= 3: the present slot, not yet in the ring
local FLIGHT, STRIKES = 19, 20 -- live leases; 429s in a row that named no time
local LOW, LOW_SINCE = 20, 25 -- LOW + d: least debt since LOW_SINCE
local OLD_LOW, OLD_SINCE = 25, 30 -- likewise, over a longer time
local CHANGED = 31 -- when a limit changed last
local SLOTS, CHUNK = 240, 16 -- the ring: 240 closed slots in chunks of 16, three doubles a slot
local ENTRY, ENTRY_BYTES = '<ddd', 24
local EMPTY = string.rep('\0', ENTRY_BYTES)

local function read_group(value) return { struct.unpack(GROUP, value) } end
local function pack_group(g) return struct.pack(GROUP, unpack(g, 1, 31)) end

-- A closed slot of the ring inside its chunk's string, or zeros.
local function entry(chunk, index)
  if not chunk then return 0, 0, 0 end
  return struct.unpack(ENTRY, chunk, (index % CHUNK) * ENTRY_BYTES + 1)
end

-- Brings the window to `slot`: closes the present slot into the ring and gives back what left. The
-- window is the present slot and the 240 before it, the oldest counted whole: so no interval of the
-- window's length ever holds more than the limit. Slots a..b-1 leave when b comes, and have just the
-- ring places of the slots that close, so one pass over those places does both.
local function roll(win, p, g, id, slot)
  local from = g[RECENT]
  if slot <= from then return end
  local steps = slot - from
  if steps > SLOTS then
    if g[USED + 1] > 0 or g[USED + 2] > 0 or g[USED + 3] > 0 then
      local chunks = {}
      for c = 1, SLOTS / CHUNK do chunks[c] = id .. ':' .. (c - 1) end
      redis.call('HDEL', win, unpack(chunks))
    end
    for d = 1, 3 do g[USED + d] = 0 end
  else
    local at = 0
    while at < steps do
      local index = (from + at) % SLOTS
      local first = index % CHUNK
      local count = math.min(CHUNK - first, steps - at)
      local field = id .. ':' .. math.floor(index / CHUNK)
      local chunk = redis.call('HGET', win, field)
      if chunk then
        for i = index, index + count - 1 do
          local r, n, o = entry(chunk, i)
          g[USED + 1], g[USED + 2], g[USED + 3] = g[USED + 1] - r, g[USED + 2] - n, g[USED + 3] - o
        end
      end
      local closed = at == 0 and (g[CURRENT + 1] > 0 or g[CURRENT + 2] > 0 or g[CURRENT + 3] > 0)
      if chunk or closed then
        chunk = chunk or string.rep(EMPTY, CHUNK)
        local head = at == 0 and struct.pack(ENTRY, g[CURRENT + 1], g[CURRENT + 2], g[CURRENT + 3]) or EMPTY
        redis.call('HSET', win, field, string.sub(chunk, 1, first * ENTRY_BYTES) .. head
          .. string.rep(EMPTY, count - 1) .. string.sub(chunk, (first + count) * ENTRY_BYTES + 1))
        redis.call('PEXPIRE', win, keep_ms(p))
      end
      at = at + count
    end
  end
  for d = 1, 3 do g[CURRENT + d] = 0 end
  g[RECENT] = slot
end

-- Lets the pacers run to `now` and notes the least debt on the way, which bounds later refunds.
local function flow(p, g, now)
  local passed = now - g[AT]
  if passed > 0 then
    g[AT] = now
    for d = 1, 4 do
      local level = g[LEVEL + d]
      if level > 0 then
        level = level - passed * g[LIMIT + d] / p[WINDOW]
        g[LEVEL + d] = level > 0 and level or 0
      end
    end
  end
  if now - g[LOW_SINCE] >= p[WINDOW] / 2 then
    for d = 1, 4 do g[OLD_LOW + d], g[LOW + d] = g[LOW + d], g[LEVEL + d] end
    g[OLD_SINCE], g[LOW_SINCE] = g[LOW_SINCE], now
  end
  for d = 1, 4 do
    if g[LEVEL + d] < g[LOW + d] then g[LOW + d] = g[LEVEL + d] end
    if g[LOW + d] < g[OLD_LOW + d] then g[OLD_LOW + d] = g[LOW + d] end
  end
end

-- Takes up a cost in the present slot. The group was rolled and its pacers flowed.
local function charge(g, requests, input, output)
  g[USED + 1], g[CURRENT + 1] = g[USED + 1] + requests, g[CURRENT + 1] + requests
  g[USED + 2], g[CURRENT + 2] = g[USED + 2] + input, g[CURRENT + 2] + input
  g[USED + 3], g[CURRENT + 3] = g[USED + 3] + output, g[CURRENT + 3] + output
  if g[LIMIT + 1] > 0 then g[LEVEL + 1] = g[LEVEL + 1] + requests end
  if g[LIMIT + 2] > 0 then g[LEVEL + 2] = g[LEVEL + 2] + input end
  if g[LIMIT + 3] > 0 then g[LEVEL + 3] = g[LEVEL + 3] + output end
  if g[LIMIT + 4] > 0 then g[LEVEL + 4] = g[LEVEL + 4] + (input + output) end
end

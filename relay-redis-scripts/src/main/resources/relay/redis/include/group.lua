-- A quota group's record, field `g:<group>` of the state hash: little-endian doubles.
-- @uses pool
local GROUP = '<dddddddddddddddddddddddddddddd'
local GROUP_BYTES = 240
local AT, RECENT, COOL, BURST = 1, 2, 3, 4 -- last touch, newest slot, cooldown's end, burst ratio
local SHRUNK, SHRUNK_AT = 5, 6 -- share of the burst that the provider is known to admit, and since when
local LIMIT = 6 -- LIMIT + d; d is 1 requests, 2 input, 3 output, 4 input + output
local USED = 10 -- USED + d, d <= 3: the sum over the live slots, with the present one
local LEVEL = 13 -- LEVEL + d: the pacer's debt
local COMING = 18 -- output of live leases that is expected still to come: in the pacer's debt, not in the window
local LEAVES = 19 -- the windows that pass, in the mean, from a grant until its output is made
local HOT = 19 -- a choice reads the fields up to here
local STRICT = 20 -- standard deviations of the output to come that are kept free
local CURRENT = 20 -- CURRENT + d, d <= 3: the present slot, not in the ring yet
local FLIGHT, STRIKES = 24, 25 -- live leases; 429s in a row without a retry time
local VARIANCE = 26 -- of the output to come
local STRICT_AT = 27 -- the last time at which STRICT rose or fell
local FOREIGN, FOREIGN_AT = 26, 30 -- FOREIGN + d, d 2 or 3: charged as another's use, of late; the last time
local CONFIGURED = '<dddd' -- field `c:<group>`: the four configured limits
local HOUR_US = 3600e6
local LEAST_BURST = 0.015625 -- as a share: about a second of the limit
local SLOTS, CHUNK = 480, 32 -- the ring: 480 closed slots in chunks of 32
local NARROW, WIDE = 12, 24 -- bytes of a slot, three numbers; the wide ones are of a chunk that holds more than 2^32 somewhere

local function read_group(value)
  if #value ~= GROUP_BYTES then -- no version is older than the first number of a schema
    error({ err = string.format('SCHEMA a group has %.0f bytes, this version knows %.0f', #value, GROUP_BYTES) })
  end
  return { struct.unpack(GROUP, value) }
end
local function pack_group(g) return struct.pack(GROUP, unpack(g, 1, 30)) end

-- The share of a limit that may be used at once. A refusal by the provider shrinks it; it doubles back every
-- hour.
local function burst_of(ratio, shrunk, shrunk_at, now)
  if shrunk == 1 then return ratio, 1 end
  shrunk = math.min(1, shrunk * 2 ^ math.floor(math.max(0, now - shrunk_at) / HOUR_US))
  return ratio * shrunk, shrunk
end

-- A closed slot's entry in its chunk, or zeros.
local function entry(chunk, index)
  if not chunk then return 0, 0, 0 end
  if #chunk == CHUNK * NARROW then return struct.unpack('<I4I4I4', chunk, (index % CHUNK) * NARROW + 1) end
  return struct.unpack('<ddd', chunk, (index % CHUNK) * WIDE + 1)
end

-- Returns the chunk with this entry, followed by `empty` entries of zeros.
local function with_entry(chunk, index, empty, r, i, o)
  chunk = chunk or string.rep('\0', CHUNK * NARROW)
  local size = #chunk / CHUNK
  if size == NARROW and math.max(r, i, o) >= 2 ^ 32 then
    local all = {}
    for n = 0, CHUNK - 1 do all[n + 1] = struct.pack('<ddd', entry(chunk, n)) end
    chunk, size = table.concat(all), WIDE
  end
  local at = (index % CHUNK) * size
  return string.sub(chunk, 1, at) .. struct.pack(size == NARROW and '<I4I4I4' or '<ddd', r, i, o)
    .. string.rep('\0', empty * size) .. string.sub(chunk, at + (1 + empty) * size + 1)
end

local function is_unused(g) return g[USED + 1] == 0 and g[USED + 2] == 0 and g[USED + 3] == 0 end

-- Whether usage may have left since the last roll. `oldest`, a bound that only the cache knows, is set when an unused
-- group is charged: then its ring is empty.
local function may_leave(g, slot) return slot > g[RECENT] and not (g.oldest and slot <= g.oldest + SLOTS) and not is_unused(g) end

-- Usage begins to be charged to the present slot.
local function begin_usage(g)
  if is_unused(g) then g.oldest = g[RECENT] end
end

-- Whether the closed slots of a group with usage in them are lost, as a whole: no chunk of it is in Redis.
local function has_lost_slots(win, g)
  if g[USED + 1] == g[CURRENT + 1] and g[USED + 2] == g[CURRENT + 2] and g[USED + 3] == g[CURRENT + 3] then return false end
  local chunks = {}
  for c = 1, SLOTS / CHUNK do chunks[c] = g.id .. ':' .. (c - 1) end
  for _, chunk in ipairs(redis.call('HMGET', win, unpack(chunks))) do
    if chunk then return false end
  end
  return true
end

-- Advances the window to `slot`: moves the present slot into the ring and subtracts the slots that leave. The
-- window is the present slot and the 480 before it, and the oldest counts in full, so no interval of the window's length ever
-- exceeds the limit. Slots a..b-1 leave when b comes, and their ring places are those of the slots that close, so one pass
-- over these places does both. The ring of an unused group is empty. Returns whether the record must be written.
local function roll(win, p, g, slot)
  local from = g[RECENT]
  if slot <= from then return false end
  if is_unused(g) then
    g[RECENT] = slot
    return false
  end
  local steps = slot - from
  if steps > SLOTS then
    local chunks = {}
    for c = 1, SLOTS / CHUNK do chunks[c] = g.id .. ':' .. (c - 1) end
    redis.call('HDEL', win, unpack(chunks))
    for d = 1, 3 do g[USED + d] = 0 end
  else
    local fields, passed = {}, 0
    repeat
      local index = (from + passed) % SLOTS
      fields[#fields + 1] = g.id .. ':' .. math.floor(index / CHUNK)
      passed = passed + CHUNK - index % CHUNK
    until passed >= steps
    local chunks, texts, empty, index = redis.call('HMGET', win, unpack(fields)), {}, {}, from % SLOTS
    if not chunks[1] and has_lost_slots(win, g) then
      for d = 1, 3 do g[CURRENT + d] = g[USED + d] end -- at the latest it was used just now
    end
    local r, i, o, is_new = g[CURRENT + 1], g[CURRENT + 2], g[CURRENT + 3], false
    for n, field in ipairs(fields) do
      local count = math.min(CHUNK - index % CHUNK, steps)
      local chunk = n > 1 and field == fields[1] and chunks[1] or chunks[n] -- almost a whole window ends where it began
      if chunk then
        for place = index, index + count - 1 do
          local gone_r, gone_i, gone_o = entry(chunk, place)
          g[USED + 1], g[USED + 2], g[USED + 3] = g[USED + 1] - gone_r, g[USED + 2] - gone_i, g[USED + 3] - gone_o
        end
      end
      if r > 0 or i > 0 or o > 0 or chunk and count < CHUNK then
        is_new = is_new or not chunk
        chunks[n] = with_entry(chunk, index, count - 1, r, i, o)
        texts[#texts + 1], texts[#texts + 2] = field, chunks[n]
      elseif chunk then
        empty[#empty + 1] = field
      end
      r, i, o, index, steps = 0, 0, 0, (index + count) % SLOTS, steps - count
    end
    if texts[1] then redis.call('HSET', win, unpack(texts)) end
    if empty[1] then redis.call('HDEL', win, unpack(empty)) end
    -- an existing hash had its TTL extended recently, with the other keys
    if is_new or texts[1] and p[LAST] >= p[FRESH_AT] then redis.call('PEXPIRE', win, keep_ms(p)) end
  end
  for d = 1, 3 do g[CURRENT + d] = 0 end
  g[RECENT] = slot
  return true
end

-- The time in which a debt of the whole limit flows off.
local function refill_us(p) return p[WINDOW] / (1 - p[SLOWED]) end

-- Refills the pacers up to `now`.
local function flow(p, g, now)
  local passed = now - g[AT]
  if passed <= 0 then return end -- the second check within a call
  g[AT] = now
  local window, l1, l2, l3, l4, _, _, _, d1, d2, d3, d4 = refill_us(p), unpack(g, LIMIT + 1, LEVEL + 4)
  if d1 > 0 then
    d1 = d1 - passed * l1 / window
    g[LEVEL + 1] = d1 > 0 and d1 or 0
  end
  if d2 > 0 then
    d2 = d2 - passed * l2 / window
    g[LEVEL + 2] = d2 > 0 and d2 or 0
  end
  if d3 > 0 then
    d3 = d3 - passed * l3 / window
    g[LEVEL + 3] = d3 > 0 and d3 or 0
  end
  if d4 > 0 then
    d4 = d4 - passed * l4 / window
    g[LEVEL + 4] = d4 > 0 and d4 or 0
  end
end

-- Charges a cost to the present slot. `roll` and `flow` must have run.
local function charge(g, requests, input, output)
  if g[USED + 1] == 0 then begin_usage(g) end
  g[USED + 1], g[CURRENT + 1] = g[USED + 1] + requests, g[CURRENT + 1] + requests
  g[USED + 2], g[CURRENT + 2] = g[USED + 2] + input, g[CURRENT + 2] + input
  g[USED + 3], g[CURRENT + 3] = g[USED + 3] + output, g[CURRENT + 3] + output
  if g[LIMIT + 1] > 0 then g[LEVEL + 1] = g[LEVEL + 1] + requests end
  if g[LIMIT + 2] > 0 then g[LEVEL + 2] = g[LEVEL + 2] + input end
  if g[LIMIT + 3] > 0 then g[LEVEL + 3] = g[LEVEL + 3] + output end
  if g[LIMIT + 4] > 0 then g[LEVEL + 4] = g[LEVEL + 4] + (input + output) end
end

-- What a dimension's window holds, and what is expected still to come in it.
local function used_of(g, d) return d == 4 and g[USED + 2] + g[USED + 3] or g[USED + d] end
local function coming_of(g, d) return d >= 3 and g[COMING] or 0 end

-- Changes a limit that the provider stated or the configuration changed.
local function limit(g, d, wanted)
  local had = g[LIMIT + d]
  if wanted == had then return end
  g[LIMIT + d] = wanted
  local used = used_of(g, d) + coming_of(g, d)
  if wanted == 0 then
    g[LEVEL + d] = 0
  elseif had == 0 then
    -- the limit is new, so nothing was paced: all usage may be recent
    g[LEVEL + d] = math.min(wanted, used)
  elseif g[LEVEL + d] > math.max(wanted, used) then
    -- This debt is from a lost state, not from known usage. The new limit is the most that can be missing; the
    -- debt of a larger limit would block a smaller one for many windows.
    g[LEVEL + d] = math.max(wanted, used)
  end
end

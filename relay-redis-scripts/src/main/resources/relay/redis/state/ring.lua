-- What a group's window holds: the present slot and the 480 before it, the oldest in full, so no interval of the window's length
-- ever exceeds the limit. While at most 64 closed slots were used, they are the `few` of the group's record: a client that asks
-- rarely costs no other key. Otherwise all are in a ring of 15 chunks, fields `<group>:<n>` of the hash `win`.
-- @uses state/pool, state/quota_group
local ring = {}
local CHUNK = 32 -- closed slots
local NARROW, WIDE = 12, 24 -- bytes of a slot, three numbers; the wide ones are of a chunk that holds more than 2^32 somewhere
local MOST_FEW_BYTES = 2048

-- A closed slot's entry in its chunk, or zeros.
function ring.entry(chunk, index)
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
    for n = 0, CHUNK - 1 do all[n + 1] = struct.pack('<ddd', ring.entry(chunk, n)) end
    chunk, size = table.concat(all), WIDE
  end
  local at = (index % CHUNK) * size
  return string.sub(chunk, 1, at) .. struct.pack(size == NARROW and '<I4I4I4' or '<ddd', r, i, o)
    .. string.rep('\0', empty * size) .. string.sub(chunk, at + (1 + empty) * size + 1)
end

-- Whether no usage is in the ring: it has none but zeros.
local function are_few(g)
  return g.few ~= '' or g[USED + 1] == g[CURRENT + 1] and g[USED + 2] == g[CURRENT + 2] and g[USED + 3] == g[CURRENT + 3]
end

function ring.field(g, slot) return g.id .. ':' .. math.floor(slot % SLOTS / CHUNK) end

-- The fields of the ring.
function ring.fields(g)
  local fields = {}
  for c = 1, SLOTS / CHUNK do fields[c] = g.id .. ':' .. (c - 1) end
  return fields
end

-- Whether the ring of a group with usage in it is lost, as a whole: no chunk of it is in Redis.
function ring.are_lost(win, g)
  if are_few(g) then return false end
  for _, chunk in ipairs(redis.call('HMGET', win, unpack(ring.fields(g)))) do
    if chunk then return false end
  end
  return true
end

-- The chunk of a slot as it is in the ring, or would be; nil or false if it has none.
function ring.chunk(win, g, slot)
  local field = ring.field(g, slot)
  if g.few == '' then return redis.call('HGET', win, field) end
  local chunk
  for at = 1, #g.few, FEW_BYTES do
    local number, r, i, o = struct.unpack(quota_group.A_SLOT, g.few, at)
    if ring.field(g, number) == field then chunk = with_entry(chunk, number, 0, r, i, o) end
  end
  return chunk
end

-- Writes chunks: their fields and texts.
local function write(win, p, texts)
  redis.call('HSET', win, unpack(texts))
  redis.call('PEXPIRE', win, pool.keep_ms(p)) -- it may be new
end

-- Adds usage to a live closed slot, or takes from it what it holds at most. Returns what was added.
function ring.add(win, p, g, slot, requests, input, output)
  local few, at, next_at, chunk, r, i, o = g.few, 1, 1, nil, 0, 0, 0
  local are_few = are_few(g)
  if are_few then
    while at <= #few and struct.unpack('<d', few, at) < slot do at = at + FEW_BYTES end
    next_at = at
    if at <= #few and struct.unpack('<d', few, at) == slot then
      local _
      _, r, i, o, next_at = struct.unpack(quota_group.A_SLOT, few, at)
    end
  else
    chunk = ring.chunk(win, g, slot)
    r, i, o = ring.entry(chunk, slot)
  end
  requests, input, output = math.max(requests, -r), math.max(input, -i), math.max(output, -o)
  r, i, o = r + requests, i + input, o + output
  if are_few then
    local text = (r > 0 or i > 0 or o > 0) and struct.pack(quota_group.A_SLOT, slot, r, i, o) or ''
    g.few = string.sub(few, 1, at - 1) .. text .. string.sub(few, next_at)
    if #g.few > MOST_FEW_BYTES then ring.spill(win, p, g) end
  elseif requests ~= 0 or input ~= 0 or output ~= 0 then
    write(win, p, { ring.field(g, slot), with_entry(chunk, slot, 0, r, i, o) })
  end
  return requests, input, output
end

-- Moves the few to the ring.
function ring.spill(win, p, g)
  local texts = {}
  for slot = 0, SLOTS - 1, CHUNK do
    local chunk = ring.chunk(win, g, slot)
    if chunk then texts[#texts + 1], texts[#texts + 2] = ring.field(g, slot), chunk end
  end
  write(win, p, texts)
  g.few = ''
end

-- Advances the few to `slot`.
local function pass_few(win, p, g, slot)
  local few, from, r, i, o = g.few, g[RECENT], g[CURRENT + 1], g[CURRENT + 2], g[CURRENT + 3]
  if r > 0 or i > 0 or o > 0 then few = few .. struct.pack(quota_group.A_SLOT, from, r, i, o) end
  while few ~= '' do
    from, r, i, o = struct.unpack(quota_group.A_SLOT, few)
    if from >= slot - SLOTS then break end
    g[USED + 1], g[USED + 2], g[USED + 3] = g[USED + 1] - r, g[USED + 2] - i, g[USED + 3] - o
    few = string.sub(few, FEW_BYTES + 1)
  end
  g.few = few
  if #few > MOST_FEW_BYTES then ring.spill(win, p, g) end
end

-- Advances the ring to `slot`: moves the present slot into it and subtracts the slots that leave. Slots a..b-1 leave when b
-- comes, and their places are those of the slots that close, so one pass over these places does both.
local function pass_ring(win, p, g, slot)
  local from = g[RECENT]
  local steps = slot - from
  if steps > SLOTS then
    redis.call('HDEL', win, unpack(ring.fields(g)))
    for d = 1, 3 do g[USED + d] = 0 end
    return
  end
  local fields, passed = {}, 0
  repeat
    fields[#fields + 1] = ring.field(g, from + passed)
    passed = passed + CHUNK - (from + passed) % SLOTS % CHUNK
  until passed >= steps
  local chunks, texts, empty, index = redis.call('HMGET', win, unpack(fields)), {}, {}, from % SLOTS
  if not chunks[1] and ring.are_lost(win, g) then
    for d = 1, 3 do g[CURRENT + d] = g[USED + d] end -- at the latest it was used just now
  end
  local r, i, o, is_new = g[CURRENT + 1], g[CURRENT + 2], g[CURRENT + 3], false
  for n, field in ipairs(fields) do
    local count = math.min(CHUNK - index % CHUNK, steps)
    local chunk = n > 1 and field == fields[1] and chunks[1] or chunks[n] -- almost a whole window ends where it began
    if chunk then
      for place = index, index + count - 1 do
        local gone_r, gone_i, gone_o = ring.entry(chunk, place)
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
  if is_new or texts[1] and p[LAST] >= p[FRESH_AT] then redis.call('PEXPIRE', win, pool.keep_ms(p)) end
end

-- Advances the window to `slot`. Returns whether the record must be written.
function ring.roll(win, p, g, slot)
  if slot <= g[RECENT] then return false end
  local used = not quota_group.is_unused(g) -- else the ring has none but zeros, and there are no few
  if used then
    if are_few(g) then pass_few(win, p, g, slot) else pass_ring(win, p, g, slot) end
    for d = 1, 3 do g[CURRENT + d] = 0 end
  end
  g[RECENT] = slot
  return used
end

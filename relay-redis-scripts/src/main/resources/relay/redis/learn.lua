-- Merges a replica's samples of models' requests into the fleet's, and returns the fleet's. A merge is never
-- retried: if its reply is lost, it counts once or not at all.
--
-- Each model has one line of text, readable with `redis-cli HGETALL`: `tokens_per_kb 251 output_p90 812 samples
-- 1000 | bytes .. tokens .. at .. outputs b:n ..`. Here b:n are n outputs of up to 2^(b/4) tokens. Old samples
-- fade: together they weigh at most 1,000, and their weight halves every six hours, but not below 20.
--
-- KEYS  estimates  hash: model -> its line
-- ARGV  given      a test's clock in seconds, - for Redis TIME
--       all        1 to return all models, 0 for the named ones
--       ...        for each model: name, samples (0 only reads), text bytes, input tokens, b:n,b:n..
-- REPLY {1, seconds, model, line...}           the lines after the merge
-- COST  two reads and one write, some 0.1 ms per model; replicas send four per call. At most 500
--       models are kept: a new one replaces an old one
-- @uses wire/numbers
local MOST_SAMPLES, KEPT_SAMPLES, HALF_LIFE_S = 1000, 20, 21600
local MOST_MODELS, TTL_S, LAST_BUCKET = 500, 604800, 80
local estimates = KEYS[1]
local now = ARGV[1] == '-' and tonumber(redis.call('TIME')[1]) or numbers.number(ARGV[1], 'given')
local all = numbers.number(ARGV[2], 'all') == 1

local function empty() return { samples = 0, bytes = 0, tokens = 0, at = now, outputs = {} } end

local function scale(m, factor)
  if factor == 1 then return end
  m.samples, m.bytes, m.tokens = m.samples * factor, m.bytes * factor, m.tokens * factor
  for b, n in pairs(m.outputs) do m.outputs[b] = n * factor end
end

-- Parses a line of the hash. A malformed line, from a foreign writer, counts as none.
local function read_line(line)
  local m = empty()
  if not line then return m end
  local s, b, t, at, outputs =
    string.match(line, ' samples ([%d.]+) | bytes (%d+) tokens (%d+) at (%d+) outputs(.*)$')
  if not s then return m end
  m.samples, m.bytes, m.tokens, m.at = tonumber(s) or 0, tonumber(b), tonumber(t), tonumber(at)
  for bucket, n in string.gmatch(outputs, ' (%d+):([%d.]+)') do
    if tonumber(bucket) <= LAST_BUCKET then m.outputs[tonumber(bucket)] = tonumber(n) or 0 end
  end
  local aged = m.samples * 0.5 ^ (math.max(0, now - m.at) / HALF_LIFE_S)
  local kept = math.max(aged, math.min(m.samples, KEPT_SAMPLES))
  if m.samples > 0 then scale(m, kept / m.samples) end
  m.at = now
  return m
end

local function read_delta(n)
  local m = empty()
  m.samples = numbers.number(ARGV[n + 1], 'samples')
  m.bytes = numbers.number(ARGV[n + 2], 'bytes')
  m.tokens = numbers.number(ARGV[n + 3], 'tokens')
  local rest = string.gsub(ARGV[n + 4], '(%d+):(%d+),?', function(bucket, count)
    local b, n = tonumber(bucket), tonumber(count)
    if b > LAST_BUCKET or n > 1e12 then error({ err = 'BADARG outputs must be at most 80:10^12' }) end
    m.outputs[b] = n
    return ''
  end)
  if rest ~= '' then error({ err = 'BADARG outputs must be bucket:count,...' }) end
  if m.samples > MOST_SAMPLES then
    scale(m, MOST_SAMPLES / m.samples)
    m.samples = MOST_SAMPLES -- exactly, because `merge` divides by the room left for the others
  end
  return m
end

local function merge(m, delta)
  if m.samples + delta.samples > MOST_SAMPLES then
    scale(m, math.max(0, MOST_SAMPLES - delta.samples) / m.samples)
  end
  m.samples, m.bytes, m.tokens = m.samples + delta.samples, m.bytes + delta.bytes, m.tokens + delta.tokens
  for b, n in pairs(delta.outputs) do m.outputs[b] = (m.outputs[b] or 0) + n end
end

local function line_of(m)
  local total, below, p90, outputs = 0, 0, 0, {}
  for b = 0, LAST_BUCKET do total = total + (m.outputs[b] or 0) end
  for b = 0, LAST_BUCKET do
    local n = m.outputs[b] or 0
    if n >= 0.01 then
      outputs[#outputs + 1] = string.format(' %d:%.2f', b, n)
      if below < 0.9 * total and below + n >= 0.9 * total then
        p90 = math.ceil(2 ^ ((b - 1 + (0.9 * total - below) / n) / 4))
      end
      below = below + n
    end
  end
  return string.format('tokens_per_kb %.0f output_p90 %.0f samples %.2f | bytes %.0f tokens %.0f at %.0f outputs%s',
    m.bytes > 0 and m.tokens * 1024 / m.bytes or 0, p90, m.samples, m.bytes, m.tokens, m.at, table.concat(outputs))
end

local names, deltas = {}, {}
for n = 3, #ARGV, 5 do
  names[#names + 1] = ARGV[n]
  deltas[#deltas + 1] = read_delta(n)
end
local reply = { 1, now }
local lines = #names > 0 and redis.call('HMGET', estimates, unpack(names)) or {}
local writes = {}
for n, name in ipairs(names) do
  if deltas[n].samples > 0 then
    local m = read_line(lines[n])
    merge(m, deltas[n])
    writes[#writes + 1] = name
    writes[#writes + 1] = line_of(m)
  end
end
if #writes > 0 then
  redis.call('HSET', estimates, unpack(writes))
  -- Approximates the oldest by the oldest of ten random models, which needs no search.
  for _ = MOST_MODELS + 1, redis.call('HLEN', estimates) do
    local some = redis.call('HRANDFIELD', estimates, 10, 'WITHVALUES')
    local oldest, oldest_at
    for n = 1, #some, 2 do
      local at = tonumber(string.match(some[n + 1], ' at (%d+) outputs') or 0)
      if not oldest or at < oldest_at then oldest, oldest_at = some[n], at end
    end
    redis.call('HDEL', estimates, oldest)
  end
  redis.call('EXPIRE', estimates, TTL_S)
end
if all then
  for _, value in ipairs(redis.call('HGETALL', estimates)) do reply[#reply + 1] = value end
else
  for n, line in ipairs(#names > 0 and redis.call('HMGET', estimates, unpack(names)) or {}) do
    if line then
      reply[#reply + 1] = names[n]
      reply[#reply + 1] = line
    end
  end
end
return reply

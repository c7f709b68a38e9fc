-- What clients have spent of their budgets: a field a budget, `team-a usd/month`, of a hash that outlives the pool's state.
-- It reads `spent/budget slot:spent ...`, US dollars with nine decimals or tokens. A calendar's budget has one live slot, the
-- present day or month in UTC; a rolling one has 60 and the present, of which the oldest counts whole. A slot with a star is
-- what replicas knew before Redis lost it.
-- @uses pool, key, group, records
local ROLLING = 60 -- slots of a rolling budget's period
local DAY_US, ROLLING_MONTH_US = 86400e6, 2592000e6
local OVER_BUDGET = 6 -- a reason, as those of a denial
local BUDGETS_S = 5356800 -- 62 days: longer than any period
local spending = {} -- the functions: the library may have 200 local names

-- The date of a day since 1970, by the proleptic Gregorian calendar; years begin in March.
function spending.date_of(day)
  local z = day + 719468
  local era = math.floor(z / 146097)
  local e = z - era * 146097
  local year = math.floor((e - math.floor(e / 1460) + math.floor(e / 36524) - math.floor(e / 146096)) / 365)
  local of_year = e - (365 * year + math.floor(year / 4) - math.floor(year / 100))
  local m = math.floor((5 * of_year + 2) / 153)
  local month = m < 10 and m + 3 or m - 9
  return year + era * 400 + (month <= 2 and 1 or 0), month, of_year - math.floor((153 * m + 2) / 5) + 1
end

-- The first day of a month, since 1970.
function spending.first_of(year, month)
  if month > 12 then year, month = year + 1, month - 12 end
  if month <= 2 then year, month = year - 1, month + 12 end
  local era = math.floor(year / 400)
  local y = year - era * 400
  return era * 146097 + y * 365 + math.floor(y / 4) - math.floor(y / 100) + math.floor((153 * (month - 3) + 2) / 5) - 719468
end

function spending.rolling_us(per) return per == 'rolling-day' and DAY_US / ROLLING or per == 'rolling-month' and ROLLING_MONTH_US / ROLLING end

-- The slot of a time, and the end of its period; of a rolling budget the slot's number, and nothing.
function spending.slot_at(per, at)
  local length = spending.rolling_us(per)
  if length then return string.format('%.0f', math.floor(at / length)) end
  local day = math.floor(at / DAY_US)
  local year, month, date = spending.date_of(day)
  if per == 'day' then return string.format('%04d-%02d-%02d', year, month, date), (day + 1) * DAY_US end
  return string.format('%04d-%02d', year, month), spending.first_of(year, month + 1) * DAY_US
end

-- The budgets that a line names: `client usd/month=LIMIT ...`, in billionths of a dollar or tokens.
function spending.budgets_in(line, into)
  local client = string.match(line, '^(%S+)')
  for kind, per, limit in string.gmatch(line, ' (%a+)/([%a-]+)=(%d+)') do
    into[#into + 1] = { field = client .. ' ' .. kind .. '/' .. per, usd = kind == 'usd', per = per, limit = limit + 0 }
  end
  return into
end

function spending.budgets_of(r, line)
  local known = r.lists[line]
  if not known then
    known = spending.budgets_in(line, {})
    r.lists[line] = known
    kept_count = kept_count + 1 + #known
  end
  return known
end

function spending.amount_in(text)
  local whole, rest = string.match(text, '^(%d+)%.(%d+)$')
  return whole and whole * 1e9 + rest or tonumber(text) or 0
end

function spending.amount_text(usd, amount)
  return usd and string.format('%.0f.%09.0f', math.floor(amount / 1e9), amount % 1e9) or string.format('%.0f', amount)
end

-- What a budget's field holds that is live now.
function spending.spent_of(text, b, now)
  local present, ends = spending.slot_at(b.per, now)
  local s = { of = b, spent = 0, present = present, ends = ends, slots = {} }
  local first = not ends and present - ROLLING
  for star, slot, amount in string.gmatch(text or '', '(%*?)([%d-]+):([%d.]+)') do
    if first and slot + 0 >= first or slot == present then
      s.slots[star .. slot] = spending.amount_in(amount)
      s.spent = s.spent + s.slots[star .. slot]
    end
  end
  return s
end

-- Reads the budgets of the lines, by field.
function spending.open_budgets(r, key, lines, now)
  local fields, of, all = {}, {}, {}
  for _, line in ipairs(lines) do
    for _, b in ipairs(spending.budgets_of(r, line)) do
      if not of[b.field] then fields[#fields + 1], of[b.field] = b.field, b end
    end
  end
  if #fields > 0 then
    for n, text in ipairs(redis.call('HMGET', key, unpack(fields))) do
      all[fields[n]] = spending.spent_of(text, of[fields[n]], now)
    end
  end
  return all
end

function spending.spend(s, slot, amount)
  local had = s.slots[slot] or 0
  local has = math.max(0, had + amount)
  s.slots[slot], s.spent, s.changed = has > 0 and has or nil, s.spent + has - had, true
end

-- Replaces what was reserved at `since` by what was used. A refund of a period that is over is of no use to anybody; what is
-- used beyond the reservation counts now. What was reserved before Redis lost the hash is in the slot with a star.
function spending.settle_budget(s, since, reserved, used)
  if used > reserved then spending.spend(s, s.present, used - reserved) end
  local slot, refund = spending.slot_at(s.of.per, since), reserved - used
  for _, from in ipairs({ slot, '*' .. slot }) do
    local had = s.slots[from]
    if refund > 0 and had then
      spending.spend(s, from, -math.min(had, refund))
      refund = refund - had
    end
  end
end

-- The first budget that has no room for a request: its number from 0, and the time until it has.
function spending.over_budget(all, budgets, cost, tokens, now)
  for n, b in ipairs(budgets) do
    local s, amount = all[b.field], b.usd and cost or tokens
    if s.spent + amount > b.limit then
      if s.ends then return n - 1, s.ends - now end
      local length, gone, slots = spending.rolling_us(b.per), 0, {}
      for slot in pairs(s.slots) do slots[#slots + 1] = slot end
      table.sort(slots, function(x, y) return string.gsub(x, '%*', '') + 0 < string.gsub(y, '%*', '') + 0 end)
      for _, slot in ipairs(slots) do
        gone = gone + s.slots[slot]
        if s.spent - gone + amount <= b.limit then
          return n - 1, (string.gsub(slot, '%*', '') + ROLLING + 1) * length - now
        end
      end
      return n - 1, (ROLLING + 1) * length
    end
  end
end

function spending.write_budgets(key, all)
  local values = {}
  for field, s in pairs(all) do
    if s.changed then
      local parts = { spending.amount_text(s.of.usd, s.spent) .. '/' .. spending.amount_text(s.of.usd, s.of.limit) }
      for slot, amount in pairs(s.slots) do parts[#parts + 1] = slot .. ':' .. spending.amount_text(s.of.usd, amount) end
      values[#values + 1], values[#values + 2] = field, table.concat(parts, ' ')
    end
  end
  if #values > 0 and redis.call('HSET', key, unpack(values)) > 0 then redis.call('EXPIRE', key, BUDGETS_S) end
end

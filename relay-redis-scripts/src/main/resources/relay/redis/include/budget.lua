-- What clients have spent of their budgets: a field a budget, `team-a usd/month`, of a hash that outlives the pool's state.
-- It reads `spent/budget slot:spent ...`, US dollars with nine decimals or tokens. A calendar's budget has one live slot, the
-- present day or month in UTC; a rolling one has 60 and the present, of which the oldest counts whole. A slot with a star is
-- what replicas knew before Redis lost it. The slot of the last change comes first: while it is present the others are not
-- parsed, because most calls change that one alone.
-- @uses pool, key, group, records
local ROLLING = 60 -- slots of a rolling budget's period
local DAY_US, ROLLING_MONTH_US = 86400e6, 2592000e6
local OVER_BUDGET = 6 -- a reason, as those of a denial
local BUDGETS_S = 5356800 -- 62 days: longer than any period
local spending = { slots = {} } -- the functions: the library may have 200 local names; and by period the slot of the last time

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
  local known = spending.slots[per]
  if not known or at < known.since or at >= known.till then
    known = spending.slot_of(per, at)
    spending.slots[per] = known
  end
  return known.slot, known.ends
end

function spending.slot_of(per, at)
  local length = spending.rolling_us(per)
  if length then
    local n = math.floor(at / length)
    return { slot = string.format('%.0f', n), since = n * length, till = (n + 1) * length }
  end
  local day = math.floor(at / DAY_US)
  local year, month, date = spending.date_of(day)
  local slot, first, after = string.format('%04d-%02d', year, month), spending.first_of(year, month), spending.first_of(year, month + 1)
  if per == 'day' then slot, first, after = string.format('%s-%02d', slot, date), day, day + 1 end
  return { slot = slot, since = first * DAY_US, till = after * DAY_US, ends = after * DAY_US }
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

-- Dollars have nine decimals, tokens none.
function spending.amount(whole, decimals) return decimals ~= '' and whole * 1e9 + decimals or whole + 0 end

function spending.amount_text(usd, amount)
  return usd and string.format('%.0f.%09.0f', math.floor(amount / 1e9), amount % 1e9) or string.format('%.0f', amount)
end

-- What a budget's field holds that is live now: in the present slot, and in sum.
function spending.spent_of(text, b, now)
  local present, ends = spending.slot_at(b.per, now)
  local s = { of = b, spent = 0, live = 0, present = present, ends = ends, rest = '' }
  local spent, parts, first, amount, of_it, rest = string.match(text or '', '^(%d+)%.?(%d*)/%S+ ([%d-]+):(%d+)%.?(%d*)(.*)$')
  if first == present then
    s.spent, s.live, s.rest = spending.amount(spent, parts), spending.amount(amount, of_it), rest
  elseif text then
    s.rest = string.match(text, ' .*$') or ''
    local others = spending.others(s)
    s.live, others[present] = others[present] or 0, nil
    s.spent = s.live
    for _, of in pairs(others) do s.spent = s.spent + of end
  end
  return s
end

-- The live slots besides the present one.
function spending.others(s)
  if not s.others then
    s.others = {}
    local first = not s.ends and s.present - ROLLING
    for star, slot, whole, decimals in string.gmatch(s.rest, '(%*?)([%d-]+):(%d+)%.?(%d*)') do
      if first and slot + 0 >= first or slot == s.present then s.others[star .. slot] = spending.amount(whole, decimals) end
    end
  end
  return s.others
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

-- Adds to a slot. Returns what was added: a slot is never below zero.
function spending.spend(s, slot, amount)
  local others = slot ~= s.present and spending.others(s)
  local had = others and (others[slot] or 0) or s.live
  local has = math.max(0, had + amount)
  if others then others[slot] = has > 0 and has or nil else s.live = has end
  if has ~= had then s.spent, s.changed = s.spent + has - had, true end
  return has - had
end

-- Replaces what was reserved at `since` by what was used. A refund of a period that is over is of no use to anybody; what is
-- used beyond the reservation counts now. What was reserved before Redis lost the hash is in the slot with a star.
function spending.settle_budget(s, since, reserved, used)
  if used > reserved then
    spending.spend(s, s.present, used - reserved)
  elseif used < reserved then
    local slot = spending.slot_at(s.of.per, since)
    local given = spending.spend(s, slot, used - reserved)
    if given > used - reserved then spending.spend(s, '*' .. slot, used - reserved - given) end
  end
end

-- The first budget that has no room for a request: its number from 0, and the time until it has.
function spending.over_budget(all, budgets, cost, tokens, now)
  for n, b in ipairs(budgets) do
    local s, amount = all[b.field], b.usd and cost or tokens
    if s.spent + amount > b.limit then
      if s.ends then return n - 1, s.ends - now end
      local length, gone, slots, others = spending.rolling_us(b.per), 0, { s.present }, spending.others(s)
      for slot in pairs(others) do slots[#slots + 1] = slot end
      table.sort(slots, function(x, y) return string.gsub(x, '%*', '') + 0 < string.gsub(y, '%*', '') + 0 end)
      for _, slot in ipairs(slots) do
        gone = gone + (others[slot] or s.live)
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
      local usd, rest = s.of.usd, s.rest
      if s.others then
        rest = ''
        for slot, amount in pairs(s.others) do rest = rest .. ' ' .. slot .. ':' .. spending.amount_text(usd, amount) end
      end
      s.of.limit_text = s.of.limit_text or spending.amount_text(usd, s.of.limit)
      values[#values + 1], values[#values + 2] = field, spending.amount_text(usd, s.spent) .. '/' .. s.of.limit_text .. ' ' .. s.present
        .. ':' .. spending.amount_text(usd, s.live) .. rest
    end
  end
  if #values > 0 and redis.call('HSET', key, unpack(values)) > 0 then redis.call('EXPIRE', key, BUDGETS_S) end
end

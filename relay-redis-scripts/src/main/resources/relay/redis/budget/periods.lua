-- The periods of budgets: days and months of the calendar in UTC, or rolling ones, as slots.
local periods = {}
local ROLLING = 60 -- slots of a rolling budget's period
local DAY_US, ROLLING_MONTH_US = 86400e6, 2592000e6
local slots = {} -- by period: the slot of the last time

-- The date of a day since 1970, by the proleptic Gregorian calendar; years begin in March.
local function date_of(day)
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
local function first_of(year, month)
  if month > 12 then year, month = year + 1, month - 12 end
  if month <= 2 then year, month = year - 1, month + 12 end
  local era = math.floor(year / 400)
  local y = year - era * 400
  return era * 146097 + y * 365 + math.floor(y / 4) - math.floor(y / 100) + math.floor((153 * (month - 3) + 2) / 5) - 719468
end

function periods.rolling_us(per) return per == 'rolling-day' and DAY_US / ROLLING or per == 'rolling-month' and ROLLING_MONTH_US / ROLLING end

-- The slot of a time: its name, from when on, until when, and the end of its period; a rolling budget's has a number for a
-- name, and no end.
function periods.slot_at(per, at)
  local known = slots[per]
  if not known or at < known.since or at >= known.till then
    known = periods.slot_of(per, at)
    slots[per] = known
  end
  return known
end

function periods.slot_of(per, at)
  local length = periods.rolling_us(per)
  if length then
    local n = math.floor(at / length)
    return { name = string.format('%.0f', n), since = n * length, till = (n + 1) * length }
  end
  local day = math.floor(at / DAY_US)
  local year, month, date = date_of(day)
  local slot, first, after = string.format('%04d-%02d', year, month), first_of(year, month), first_of(year, month + 1)
  if per == 'day' then slot, first, after = string.format('%s-%02d', slot, date), day, day + 1 end
  return { name = slot, since = first * DAY_US, till = after * DAY_US, ends = after * DAY_US }
end

-- What clients have spent of their budgets: a field a budget, `team-a usd/month`, of a hash that outlives the pool's state.
-- It reads `spent/budget slot:spent ...`, US dollars with nine decimals or tokens. A calendar's budget has one live slot, the
-- present day or month in UTC; a rolling one has 60 and the present, of which the oldest counts whole. A slot with a star is
-- what replicas knew before Redis lost it. The slot of the last change comes first: while it is present the others are not
-- parsed, because most calls change that one alone.
--
-- Caches parsed budgets. An entry is valid while Redis still has the same text. Keeps a few thousand long ones.
-- @uses wire/numbers, state/records, budget/periods
local ledger = {}
local BUDGETS_S = 5356800 -- 62 days: longer than any period
local SHORT, MOST_BYTES = 200, 4e6 -- the longest text that does not count, and what all that count may take
local MOST_HELD = 100000 -- lines and budgets, apart from what is cached of pools: with these go the queues
-- Says what the fields are. Longer than 64 bytes, so that Redis finds fields by a table, and not by reading those before them.
local ABOUT = 'spent/limit, then what was spent in each slot, first the present one: a day, a month, a 60th of a rolling period'
local whole -- the format of a whole number, once Redis has told its own

-- What is cached of a hash: budgets by line, and what is spent of each by field: an account. Then those that the present call
-- has opened; the tables are reused, because growing one is expensive. `records.write` puts it back into the cache.
function ledger.book_of(key)
  whole = numbers.whole_format()
  return records.uncache(key) or { lines = {}, accounts = {}, held = 0, call = 0, count = 0, bytes = 0, opened = {}, fields = {}, values = {} }
end

-- The budgets of a line `client usd/month=LIMIT! ...`, in billionths of a dollar or tokens; !: it ends running requests, see report.
function ledger.budgets_of(book, line)
  local budgets = book.lines[line]
  if budgets then return budgets end
  local client = string.match(line, '^(%S+)')
  budgets = {}
  for kind, per, limit, hard in string.gmatch(line, ' (%a+)/([%a-]+)=(%d+)(!?)') do
    local field = client .. ' ' .. kind .. '/' .. per
    local account = book.accounts[field] or {}
    book.accounts[field] = account
    budgets[#budgets + 1] = { field = field, account = account, usd = kind == 'usd', per = per, limit = limit + 0, hard = hard == '!' }
  end
  book.lines[line], book.held = budgets, book.held + 1 + 2 * #budgets
  return budgets
end

-- Dollars have nine decimals, tokens none.
function ledger.amount(whole, decimals) return decimals ~= '' and whole * 1e9 + decimals or whole + 0 end

local function amount_text(usd, amount)
  return usd and string.format('%d.%09d', (amount - amount % 1e9) / 1e9, amount % 1e9) or string.format(whole, amount)
end

-- Reads a budget's field: what is spent in the present slot, and in sum in all that are live now.
function ledger.read(s, text, now)
  local slot = periods.slot_at(s.of.per, now)
  local present = slot.name
  s.text, s.present, s.since, s.till, s.ends = text, present, slot.since, slot.till, slot.ends
  s.spent, s.live, s.rest, s.others, s.changed = 0, 0, '', nil, false
  local spent, parts, first, amount, of_it, at = string.match(text or '', '^(%d+)%.?(%d*)/%S+ ([%d-]+):(%d+)%.?(%d*)()')
  if first == present then
    s.spent, s.live, s.rest = ledger.amount(spent, parts), ledger.amount(amount, of_it), string.sub(text, at)
  elseif text then
    s.rest = string.match(text, ' .*$') or ''
    local others = ledger.others(s)
    s.live, s.rest, others[present] = others[present] or 0, nil, nil
    s.spent = s.live
    for _, of in pairs(others) do s.spent = s.spent + of end
  end
  return s
end

-- The live slots besides the present one.
function ledger.others(s)
  if not s.others then
    s.others = {}
    local first = not s.ends and s.present - ROLLING
    for star, slot, whole, decimals in string.gmatch(s.rest, '(%*?)([%d-]+):(%d+)%.?(%d*)') do
      if first and slot + 0 >= first or slot == s.present then s.others[star .. slot] = ledger.amount(whole, decimals) end
    end
  end
  return s.others
end

-- Reads the budgets of these lists.
function ledger.open(book, key, lists, now)
  local opened, fields, count, call = book.opened, book.fields, 0, book.call + 1
  for n = 1, #lists do
    local budgets = lists[n]
    for m = 1, #budgets do
      local b = budgets[m]
      local s = b.account
      if s.call ~= call then
        count = count + 1
        opened[count], fields[count], s.call, s.of = s, b.field, call, b
      end
    end
  end
  book.call, book.count = call, count
  local texts = count > 0 and redis.call('HMGET', key, unpack(fields, 1, count))
  for n = 1, count do
    local s, text = opened[n], texts[n]
    if s.text ~= text or now >= s.till or now < s.since then ledger.read(s, text, now) end
  end
end

-- Adds to a slot. Returns what was added: a slot is never below zero.
function ledger.spend(s, slot, amount)
  local others = slot ~= s.present and ledger.others(s)
  local had = others and (others[slot] or 0) or s.live
  local has = had + amount
  if has < 0 then has = 0 end
  if has == had then return 0 end
  if others then others[slot], s.rest = has > 0 and has or nil, nil else s.live = has end
  s.spent, s.changed = s.spent + has - had, true
  return has - had
end

-- Replaces what was reserved at `since` by what was used. A refund of a period that is over is of no use to anybody; what is
-- used beyond the reservation counts now. What was reserved before Redis lost the hash is in the slot with a star.
function ledger.settle(s, since, reserved, used)
  if used > reserved then
    ledger.spend(s, s.present, used - reserved)
  elseif used < reserved then
    local slot = since >= s.since and since < s.till and s.present or periods.slot_at(s.of.per, since).name
    local given = ledger.spend(s, slot, used - reserved)
    if given > used - reserved then ledger.spend(s, '*' .. slot, used - reserved - given) end
  end
end

-- The time until a budget that has no room for this has it: at most until its period is over.
local function opens_in(b, amount, now)
  local s = b.account
  if s.ends then return s.ends - now end
  local length, gone, slots, others = periods.rolling_us(b.per), 0, { s.present }, ledger.others(s)
  for slot in pairs(others) do slots[#slots + 1] = slot end
  table.sort(slots, function(x, y) return string.gsub(x, '%*', '') + 0 < string.gsub(y, '%*', '') + 0 end)
  for _, slot in ipairs(slots) do
    gone = gone + (others[slot] or s.live)
    if s.spent - gone + amount <= b.limit then return (string.gsub(slot, '%*', '') + ROLLING + 1) * length - now end
  end
  return (ROLLING + 1) * length
end

-- The budget that is the last to have room for a request, of those that have none: its number from 0, and the time until then.
function ledger.over_budget(budgets, cost, tokens, now)
  local over, opens
  for n = 1, #budgets do
    local b = budgets[n]
    local amount = b.usd and cost or tokens
    if b.account.spent + amount > b.limit then
      local left = opens_in(b, amount, now)
      if not over or left > opens then over, opens = n - 1, left end
    end
  end
  return over, opens
end

-- What Redis is to hold of a budget.
local function text_of(s)
  local b, spent, live = s.of, s.spent, s.live
  if not s.rest then
    s.rest = ''
    for slot, amount in pairs(s.others) do s.rest = s.rest .. ' ' .. slot .. ':' .. amount_text(b.usd, amount) end
  end
  b.limit_text = b.limit_text or '/' .. amount_text(b.usd, b.limit) .. ' '
  local whole = amount_text(b.usd, spent)
  return whole .. b.limit_text .. s.present .. ':' .. (live == spent and whole or amount_text(b.usd, live)) .. s.rest
end

-- The hash is kept, and says what it is.
function ledger.keep(key)
  redis.call('HSETNX', key, 'about', ABOUT)
  redis.call('EXPIRE', key, BUDGETS_S)
end

-- Counts a long text that is cached; of its slots none but the present one are cached as numbers.
local function count(book, s)
  if not s.rest then -- its slot has begun, and nothing was spent in it
    s.text = nil
    return
  end
  book.bytes, s.bytes, s.others = book.bytes + #s.text - (s.bytes or 0), #s.text, nil
end

-- Forgets the long texts.
local function forget(book)
  for _, s in pairs(book.accounts) do
    if s.bytes then s.text, s.rest, s.others, s.bytes = nil, nil, nil, nil end
  end
  book.bytes = 0
end

-- Writes what has changed of the budgets that are open.
function ledger.write(book, key)
  local values, last = book.values, 0
  for n = 1, book.count do
    local s = book.opened[n]
    if s.changed then
      s.text, s.changed = text_of(s), false
      values[last + 1], values[last + 2], last = s.of.field, s.text, last + 2
    end
    if s.text and #s.text > SHORT then count(book, s) end
  end
  if last > 0 and redis.call('HSET', key, unpack(values, 1, last)) > 0 then ledger.keep(key) end
  if book.bytes > MOST_BYTES then forget(book) end
  records.cache(key, book.held <= MOST_HELD and book or nil)
end

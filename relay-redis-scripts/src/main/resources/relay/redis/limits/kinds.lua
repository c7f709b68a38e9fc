-- Kinds of requests, such as a service tier, that share an account's quota: they count in the group of their class. What an
-- account may refuse of a kind alone cools down apart: the group `account/class+kind` has that cooldown, and counts nothing.
-- @uses state/quota_group, state/records
local kinds = {}
local MOST_BARRED = 64 -- accounts that refuse a kind, looked at in a call

-- The candidates of a list that carry its kind now; nil if Redis does not know the kind. If some do not, their refusal: when it
-- ends for the first of them, and its key. Without any the list is empty. Keys in shadow mode carry it always.
function kinds.usable(r, list, now)
  if not list or not list.kind or list.shadow then return list end
  local some, opens, opener = {}, nil, nil
  for c = 1, #list, 2 do
    local its = records.group(r, list[c + 1].id .. list.kind)
    if not its then return nil end
    local cool = its[COOL]
    if cool <= now then
      some[#some + 1], some[#some + 2] = list[c], list[c + 1]
    elseif not opens or cool < opens then
      opens, opener = cool, list[c].id
    end
  end
  if not opens then return list end
  return some, { opens = opens, key = opener }
end

-- In a large pool: the candidates to avoid, and among them those of accounts that refuse a kind now. `opens` is the time from
-- which on the first does not, of those that were looked at.
function kinds.barred(r, avoided, kind, now)
  avoided.barred, avoided.seen = {}, 0
  return setmetatable(avoided, { __index = function(_, row)
    local group = string.match(row, ' (%S+)$')
    if not group then return nil end
    local g = records.group(r, group .. kind)
    local cool = g and g[COOL] or 0
    if cool <= now then return nil end
    if not avoided.barred[group] then avoided.barred[group], avoided.seen = true, avoided.seen + 1 end
    if not avoided.opens or cool < avoided.opens then avoided.opens = cool end
    return true
  end })
end

-- Whether a call has looked at its maximum of accounts that refuse its kind.
function kinds.are_enough(avoided) return (avoided.seen or 0) >= MOST_BARRED end

-- Until when a group refuses a kind; 0 if it does not.
function kinds.refused_until(r, group, kind, now)
  local g = kind and group and records.group(r, group .. kind)
  return g and g[COOL] > now and g[COOL] or 0
end

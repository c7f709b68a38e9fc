-- Usage that is told late. It counts in the slot in which it was, so it leaves the window when it ages out.
-- @uses wire/numbers, state/quota_group, state/ring
local late_usage = {}

-- Counts usage in a slot of the window. Returns whether the slot is live. `ring.roll` must have run up to now.
function late_usage.count(win, p, g, slot, requests, input, output)
  local recent = g[RECENT]
  if slot < recent - SLOTS then return false end
  if quota_group.is_unused(g) or g.oldest and slot < g.oldest then g.oldest = math.min(slot, recent) end
  if slot >= recent then
    g[CURRENT + 1], g[CURRENT + 2], g[CURRENT + 3] = g[CURRENT + 1] + requests, g[CURRENT + 2] + input, g[CURRENT + 3] + output
  else
    if ring.are_lost(win, g) then
      for d = 1, 3 do g[CURRENT + d] = g[USED + d] end -- as `ring.roll`, which finds the new chunk from now on
    end
    ring.add(win, p, g, slot, requests, input, output)
  end
  g[USED + 1], g[USED + 2], g[USED + 3] = g[USED + 1] + requests, g[USED + 2] + input, g[USED + 3] + output
  return true
end

-- Reads what was used when, from an argument on: for each time `ago_us`, requests, input, output.
function late_usage.read(args, from)
  local parts, n = {}, from
  if (#args + 1 - from) % 4 ~= 0 or #args < from then error({ err = 'BADARG usage is `ago_us requests input output`' }) end
  while n < #args do
    local requests, input = numbers.number(args[n + 1], 'requests'), numbers.number(args[n + 2], 'input')
    parts[#parts + 1] = { numbers.number(args[n], 'ago_us'), requests, input, numbers.number(args[n + 3], 'output') }
    n = n + 4
  end
  return parts
end

-- What a heartbeat tells of the clients of a pool that is short.
-- @uses state/pool, queue/queue, queue/reservations
local queue_report = {}

local MOST_TOLD = 2000 -- clients of a class

-- Whether a class is short: it refused a request within a window, or expects one back.
local function is_short(l, now, window)
  return #l.order > 0 or math.max(unpack(l.short)) > now - window
end

-- The clients that asked within a window while their pool was short, of each class: `client:rank`, weight, promises, and
-- what it was granted in about a window, in millionths of a limit.
function queue_report.standings(r, now)
  local all, window = {}, r.pool[WINDOW]
  for _, l in pairs(r.waiting) do
    if now >= l.lapse_at then reservations.let_go(l, now) end
    local of_class = {}
    for name, c in pairs(is_short(l, now, window) and l.clients or {}) do
      if c.asked > now - window and #of_class < 4 * MOST_TOLD then
        local got, n, waiting = queue.faded(c.got, c.got_at, now, window), #of_class, 0
        for _, one in ipairs(c.promises) do waiting = waiting + (one.lent and 0 or 1) end
        of_class[n + 1], of_class[n + 2], of_class[n + 3], of_class[n + 4] = name, c.weight, waiting, math.floor(1e6 * got)
      end
    end
    if #of_class > 0 then all[#all + 1] = of_class end
  end
  return all
end

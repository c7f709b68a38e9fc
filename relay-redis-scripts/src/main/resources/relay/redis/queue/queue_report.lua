-- Reports the clients of short pools to heartbeats.
-- @uses state/pool, queue/queue, queue/reservations
local queue_report = {}

local MOST_REPORTED = 2000 -- clients of a class

-- Returns whether a class is short: it refused a request within a window, or a promise waits for one.
local function is_short(q, now, window)
  return #q.order > 0 or math.max(unpack(q.short)) > now - window
end

-- Lists, for each short class, the clients that asked within a window: `client:rank`, weight, promises, and what the client was
-- granted in about a window, in millionths of a limit.
function queue_report.standings(r, now)
  local all, window = {}, r.pool[WINDOW]
  for _, q in pairs(r.waiting) do
    if now >= q.lapse_at then reservations.let_go(q, now) end
    local of_class = {}
    for name, c in pairs(is_short(q, now, window) and q.clients or {}) do
      if c.asked_at > now - window and #of_class < 4 * MOST_REPORTED then
        local granted, n, waiting = queue.faded(c.granted, c.granted_at, now, window), #of_class, 0
        for _, promise in ipairs(c.promises) do waiting = waiting + (promise.lent and 0 or 1) end
        of_class[n + 1], of_class[n + 2], of_class[n + 3], of_class[n + 4] = name, c.weight, waiting, math.floor(1e6 * granted)
      end
    end
    if #of_class > 0 then all[#all + 1] = of_class end
  end
  return all
end

-- Why a request finds no room: the number in a denial, as in `Acquisition.Reason`. That of a limit is its dimension, from 1 on. A day's
-- are A_DAY + 1 for requests and A_DAY + 2 for tokens. Another dimension moves the numbers after it.
local reasons = {}
local COOLDOWN, CONCURRENCY, OVER_BUDGET, A_DAY, TOO_MANY_OPEN = 0, 5, 6, 6, 9

function reasons.is_limit(reason) return reason > COOLDOWN and reason < CONCURRENCY end

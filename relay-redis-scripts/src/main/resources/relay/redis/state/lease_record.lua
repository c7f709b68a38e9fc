-- The places in a lease's record, in the hash `leases`: its key and group; the time, requests, input and output of the reservation;
-- its deadline; its state; the output that was reported as made, or is expected still to come, and the standard deviation of that;
-- the time of the last report. `lease.read` returns one, `lease.pack` packs it.
local lease_record = {}
local L_KEY, L_GROUP, L_SINCE, L_REQUESTS, L_INPUT, L_OUTPUT, L_DEADLINE, L_STATE, L_MADE, L_REST, L_SPREAD, L_REPORTED_AT =
  1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12

-- Finds the account that made what a request names: a stored answer, a conversation, a file, a container, a batch.
--
-- KEYS  ...        the six hashes of the map of pins for each id
-- ARGV  ...        the hashes of the ids, in the order of preference
-- REPLY {1, account}                           the account that made the first known id
--       {0}                                    none is known
-- COST  six reads an id
-- @uses state/pin_map
local account = pin_map.pinned(KEYS, 1, ARGV, 1, #ARGV)
if account then return { 1, account } end
return { 0 }

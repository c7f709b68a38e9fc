-- A key's record, field `k:<key>` of the state hash.
local pool_key = {}
local KEY = '<ddddddd'
local K_FLIGHT, K_COOL, K_STOPPED, K_PASS, K_MAX, K_PRIORITY, K_WEIGHT = 1, 2, 3, 4, 5, 6, 7

function pool_key.read(value) return { struct.unpack(KEY, value) } end
function pool_key.pack(k) return struct.pack(KEY, unpack(k, 1, 7)) end
local REFUSED = 2 -- `K_STOPPED` of a key whose credentials the provider refused; 1 for any other reason

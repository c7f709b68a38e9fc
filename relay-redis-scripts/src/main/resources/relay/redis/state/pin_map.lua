-- Which account made what a provider keeps: stored answers, conversations, files, containers, batches. Other accounts do
-- not know these. Of an id there is a hash; its first letter names one of 16 parts of the map. Each part is three pairs of
-- hashes: `made` for what answers showed; `more` for that beyond a client's share of `made`; `records.named` for what requests
-- named and an account served, although no answer had shown it. So nobody loses a pin to another client that makes or
-- names many. The two hashes of a pair take turns: new pins go into one of them. When that is full or old, the other is
-- emptied and takes its place.
local pin_map = {}

-- The account of the first known id, in the order of the hashes `from` to `to`, and in which pair it is: 0 made, 1 more,
-- 2 named. `maps` holds from index `first` on the six hashes of each. Nil if no id is known.
function pin_map.pinned(maps, first, hashes, from, to)
  for n = from, to do
    for k = 0, 5 do
      local account = redis.call('HGET', maps[first + 6 * (n - from) + k], hashes[n])
      if account then return account, math.floor(k / 2) end
    end
  end
end

-- Which account made what a provider keeps: stored answers, conversations, files, containers, batches. Other accounts do
-- not know these. Of an id there is a hash; its first letter names one of 16 parts of the map. A part is two hashes
-- that take turns: new pins go into one of them. When that is full or old, the other is emptied and takes its place.

-- The account of the first known id, in the order of the hashes `from` to `to`. `maps` holds from index `first` on the two
-- hashes of each. Nil if no id is known.
local function pinned(maps, first, hashes, from, to)
  for n = from, to do
    local place = first + 2 * (n - from)
    local account = redis.call('HGET', maps[place], hashes[n]) or redis.call('HGET', maps[place + 1], hashes[n])
    if account then return account end
  end
end

-- How configure writes the index of a plan.
-- @uses state/pool_key, state/records, choose/ready_sets
local index_plan = {}

-- Writes a plan's candidates into their ready sets, all ready. `rows` holds from index `from` on the number of
-- the set, counted after the first seven keys, the key and the group of each, and 1 if the group is large. The key
-- lists of groups in `begun` are rewritten; those of other groups are extended, because an earlier part of the
-- plan has begun them, or another plan that is live. Replicas that start together write the same lists. Returns the
-- names of the sets.
function index_plan.write_all(r, sets, rows, from, begun, alone)
  local state = r.state
  local keys_of, listed_of, groups_of, large_of, sets_of = {}, {}, {}, {}, {}
  local function add(all, listed_in, field, name)
    local list, listed = all[field], listed_in[field]
    if not list then
      list, listed = {}, {}
      all[field], listed_in[field] = list, listed
      local fresh = alone and string.sub(field, 1, 2) == 'q:' or begun[string.sub(field, 3)]
      for before in string.gmatch(not fresh and redis.call('HGET', state, field) or '', '%S+') do
        list[#list + 1], listed[before] = before, true
      end
    end
    if not listed[name] then list[#list + 1], listed[name] = name, true end
  end
  for n = from, #rows, 4 do
    local set, key, group = sets[7 + rows[n]], rows[n + 1], rows[n + 2]
    local is_large = rows[n + 3] == '1'
    redis.call('ZADD', is_large and set .. ':' .. group or set, records.key(r, key)[K_PASS], key .. ' ' .. group)
    r.shut[is_large and '{} ' .. group or key .. ' ' .. group] = nil
    if is_large then add(large_of, listed_of, 'b:' .. set, group) end
    sets_of[set] = true
    add(keys_of, listed_of, 'm:' .. group, key)
    add(groups_of, listed_of, 'q:' .. key, group)
  end
  for set in pairs(sets_of) do redis.call('HDEL', state, 's:' .. set) end
  for field, large in pairs(large_of) do records.put_names(r, field, table.concat(large, ' ')) end
  for field, groups in pairs(groups_of) do records.put_names(r, field, table.concat(groups, ' ')) end
  local lower, is_lower = {}, {}
  for _, name in ipairs(records.names_in(r, 'below')) do
    if records.group(r, name) then lower[#lower + 1], is_lower[name] = name, true end
  end
  for field, keys in pairs(keys_of) do
    records.put_names(r, field, table.concat(keys, ' '))
    local group = string.sub(field, 3)
    if records.group(r, group).above and not is_lower[group] then lower[#lower + 1] = group end
  end
  if #lower > 0 then records.put_names(r, 'below', table.concat(lower, ' ')) end
  r.below = nil
  r.rows, r.large = {}, {}
  for field, large in pairs(large_of) do
    for _, group in ipairs(large) do ready_sets.score_group(r, string.sub(field, 3), records.group(r, group)) end
  end
  for n = 8, #sets do ready_sets.keep_set(r, sets[n]) end
  return sets_of
end

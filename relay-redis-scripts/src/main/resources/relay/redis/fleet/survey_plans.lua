-- The part of a survey that handles the replicas' plans.
-- @uses state/pool_key, state/records, fleet/members, fleet/plan_lines
local survey_plans = {}

local PEN_US = 3e6 -- a replica that died stops the picture for no longer
local STANDING = '^(%d+) (%S+) (%d+) ?([ -~]*)$'
local MOST_ABOUT, LONGEST_ABOUT = 200, 200 -- replicas, characters

function survey_plans.check(config)
  local _, _, plan, _, _, words = string.find(config, STANDING)
  if config ~= '-' and config ~= 'leave' and (not plan or #words > LONGEST_ABOUT) then
    error({ err = 'BADARG config must be `plan hash since_ms words`, - or leave' })
  end
end

-- What replicas tell of themselves, for people to see: field `about` of the state, a line for each, `r1 WORDS`. Returns the
-- lines of all, each after a line feed, to a replica that tells its own, and to an observer. Older versions know no field.
local function introduce(r, replica, config, heard)
  local _, _, plan, _, _, words = string.find(config, STANDING)
  if config ~= '-' and (not plan or words == '') then return '' end
  local present, lines, mine = {}, {}, plan and replica .. ' ' .. words
  for _, id in ipairs(heard) do present[id] = true end
  for line in string.gmatch(records.text(r, 'about') or '', '[^\n]+') do
    local id = string.match(line, '^%S+')
    if mine and id == replica then
      lines[#lines + 1], mine = mine, nil
    elseif present[id] then
      lines[#lines + 1] = line
    end
  end
  if mine and #lines < MOST_ABOUT then lines[#lines + 1] = mine end
  local text = table.concat(lines, '\n')
  if plan then records.put_text(r, 'about', text) end
  return text == '' and text or '\n' .. text
end

-- Removes replicas without a recent heartbeat, and a replica that leaves. Returns the live plans, and whether there are
-- several. `heard`: the ids of replicas with a recent heartbeat.
function survey_plans.take_roll(fleet, replica, config, now, heard)
  local present = {}
  for _, id in ipairs(heard) do present[id] = true end
  for id in pairs(fleet.replicas) do
    if not present[id] then
      fleet.replicas[id], fleet.changed = nil, true
    end
  end
  local plan, hash, since_ms = string.match(config, STANDING)
  local mine = fleet.replicas[replica]
  if plan and mine and mine.plan == plan and (mine.hash ~= hash or mine.since_ms ~= since_ms) then
    -- another configuration with the same plan, say with another secret
    mine.hash, mine.since_ms, mine.at, fleet.changed = hash, since_ms, now, true
  end
  local live, count = members.live_plans(fleet), 0
  for _ in pairs(live) do count = count + 1 end
  return live, count > 1
end

-- Returns the value `fleet` of a survey's reply, without the draining keys: `survey_plans.drain` adds them.
function survey_plans.reply(r, fleet, live, replica, config, heard, now)
  local plan = string.match(config, '^%d+')
  local mine = fleet.replicas[replica]
  local again = plan and (not mine or mine.plan ~= plan or not live[plan] or members.is_outdated(live[plan], live, now))
  local configs, at = {}, {}
  for _, id in ipairs(members.names_of(fleet.replicas)) do
    local m = fleet.replicas[id]
    local n = at[m.hash]
    if n then
      if tonumber(m.since_ms) < tonumber(configs[n + 1]) then configs[n + 1] = m.since_ms end
      configs[n + 2] = configs[n + 2] + 1
    else
      n = #configs + 1
      at[m.hash], configs[n], configs[n + 1], configs[n + 2] = n, m.hash, m.since_ms, 1
    end
  end
  local own, sets = {}, {}
  for _, name in ipairs(plan and live[plan] and live[plan].sets or {}) do own[name] = true end
  for _, other in pairs(live) do
    for _, name in ipairs(other.sets) do
      if not own[name] then
        own[name] = true
        sets[#sets + 1] = name
      end
    end
  end
  table.sort(sets)
  table.sort(heard)
  local told = table.concat(heard, ' ') .. introduce(r, replica, config, heard)
  return { again and 1 or 0, configs, sets, members.names_of(fleet.unused), {}, told }
end

-- Whether the replica draws its plan's lines of the readable picture, and whether it must draw all of them. One replica of
-- a plan does, by a short lease in field `drawer:<plan>` of the state: `r1 1764086402123456`, the name and the end. The
-- last replica of a plan that leaves does, too, whoever drew before.
function survey_plans.take_pen(r, replica, plan, leaves, live, now)
  local field = 'drawer:' .. plan
  local drawer, till = string.match(records.text(r, field) or '', '^(%S+) (%d+)$')
  local has = drawer == replica -- even if its lease is over: no other has drawn since
  if leaves then
    if has then records.put_text(r, field, false) end
    return has or not live[plan], not has
  end
  if drawer and not has and tonumber(till) > now then return false, false end
  if not has or tonumber(till) < now + PEN_US / 2 then
    records.put_text(r, field, string.format('%s %.0f', replica, now + PEN_US))
  end
  return true, not has
end

-- Adds the draining keys to the reply and the picture. Deletes a key when its last lease has ended.
function survey_plans.drain(r, fleet, now, picture, lines, told, quarantine)
  for key, account in pairs(fleet.draining) do
    local k = records.key(r, key)
    if k and k[K_FLIGHT] > 0 then
      local cool = math.max(0, k[K_COOL] - now)
      local reason = k[K_STOPPED] > 0 and (redis.call('HGET', quarantine, key) or 'unknown') or ''
      for _, value in ipairs({ key, account, k[K_FLIGHT], cool, reason, k[K_MAX], k[K_PRIORITY], k[K_WEIGHT] }) do
        told[#told + 1] = value
      end
      if lines then
        lines[#lines + 1] = key
        lines[#lines + 1] = string.format('status draining inflight %.0f cooldown_ms %.0f account %s', k[K_FLIGHT],
          math.ceil(cool / 1000), account)
      end
    else
      fleet.draining[key], fleet.changed = nil, true
      plan_lines.forget_key(r, key, now)
      redis.call('HDEL', picture, key)
    end
  end
end

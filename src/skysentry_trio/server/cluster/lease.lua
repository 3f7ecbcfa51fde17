-- The rules of leases, which the engine runs: each call is one step, and nothing else happens in the middle of it.
--
-- KEYS[1]: the beginning of all names. ARGV: what to do, the node that asks, the time in milliseconds after which the
-- request is too late, and JSON. A request may wait for long in a socket, and must not do harm then.
--
-- What is stored: `nodes` and `cameras` (hashes of records, see records.py), `floors` (what must stay true of cameras
-- that nobody has), `last` (when a node was heard), `secret` (which nodes share, if they have none of their own),
-- `version` (of the last change), `changes` (the last changes, with the version as id) and `era`
-- (chosen when the engine was empty).
--
-- tests/server/cluster/lease_model.py has the same rules in Python, and a test compares the two.

local what, node, valid_until = ARGV[1], ARGV[2], tonumber(ARGV[3])
local request = cjson.decode(ARGV[4])
local prefix = KEYS[1] .. ':'
local LIFETIME, MEMORY, PAUSE = 5000, 600000, 2500
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function read(hash, key)
  local text = redis.call('HGET', prefix .. hash, key)
  return text and cjson.decode(text)
end

local function write(hash, key, record)
  redis.call('HSET', prefix .. hash, key, cjson.encode(record))
end

local function tell(change)
  local id = string.format('%.0f-0', redis.call('INCR', prefix .. 'version'))
  redis.call('XADD', prefix .. 'changes', 'MAXLEN', '~', 10000, id, 'c', cjson.encode(change))
end

local function is_alive(id)
  local record = read('nodes', id)
  return record and now - record.seen <= LIFETIME
end

-- The higher epoch wins. Two nodes that could not ask may have chosen the same epoch; then the higher id wins.
local function is_stronger(one, other)
  return one.e > other.e or (one.e == other.e and one.n > other.n)
end

-- No frame has a higher sequence: an owner that is still connected may have sent some since its last report.
local function highest_sequence(record)
  local sequence = record.q or 0
  if not record.o then return sequence end
  return sequence + math.ceil((now - record.t) / 1000 * (record.f or 0))
end

local function forget_camera(camera, record)
  redis.call('HDEL', prefix .. 'cameras', camera)
  write('floors', camera, {e = record.e, n = record.n, q = highest_sequence(record), until_ = now + MEMORY})
end

local function end_node(id)
  local all = redis.call('HGETALL', prefix .. 'cameras')
  for i = 1, #all, 2 do
    local record = cjson.decode(all[i + 1])
    if record.n == id then forget_camera(all[i], record) end
  end
  local floors = redis.call('HGETALL', prefix .. 'floors')
  for i = 1, #floors, 2 do
    if cjson.decode(floors[i + 1]).until_ < now then redis.call('HDEL', prefix .. 'floors', floors[i]) end
  end
  redis.call('HDEL', prefix .. 'nodes', id)
  tell({k = 'gone', n = id})
end

local function end_nodes(is_over)
  local all = redis.call('HGETALL', prefix .. 'nodes')
  for i = 1, #all, 2 do
    if is_over(all[i], cjson.decode(all[i + 1])) then end_node(all[i]) end
  end
end

local steps = {}

function steps.time()
  return {'ok', now}
end

function steps.hello()
  local era = redis.call('GET', prefix .. 'era')
  if not era then
    -- What is left in here is not complete.
    redis.call('DEL', prefix .. 'version', prefix .. 'changes', prefix .. 'nodes', prefix .. 'cameras')
    era = request.era
    redis.call('SET', prefix .. 'era', era)
  end
  -- A server that was killed and started again is another node with the same address.
  end_nodes(function(id, record) return id ~= node and record.u == request.u end)
  write('nodes', node, {u = request.u, v = request.v, seen = now})
  tell({k = 'node', n = node, r = {u = request.u, v = request.v, seen = now}})
  local secret = redis.call('GET', prefix .. 'secret') or ''
  if request.k ~= '' and secret == '' then
    secret = request.k
    redis.call('SET', prefix .. 'secret', secret)
  end
  return {'ok', now, era, request.k ~= '' and secret or ''}
end

function steps.beat()
  local record = read('nodes', node)
  if redis.call('GET', prefix .. 'era') ~= request.era or not record or now - record.seen > LIFETIME then
    return {'lapsed', now}
  end
  record.seen, record.c, record.w = now, request.c, request.w
  write('nodes', node, record)
  for _, report in ipairs(request.q) do
    local camera = read('cameras', report[1])
    if camera and camera.n == node then
      camera.q, camera.t = math.max(camera.q or 0, report[2]), now
      write('cameras', report[1], camera)
    end
  end
  end_nodes(function(_, other) return now - other.seen > LIFETIME end)
  return {'ok', now, tonumber(redis.call('GET', prefix .. 'version') or 0)}
end

-- A camera has connected to the node.
--
-- A node that was ended has no address, and nothing would end its camera. So it has to join again first.
function steps.claim()
  if not read('nodes', node) then return {'lapsed', now} end
  local old, floor = read('cameras', request.c), read('floors', request.c)
  local is_elsewhere = old and old.n ~= node
  if is_elsewhere and old.o and old.h ~= request.h and not request.a and is_alive(old.n) then
    return {'in-use', now}
  end
  local epoch, sequence = request.e, 0
  if old then
    epoch = math.max(epoch, old.e + 1)
    sequence = is_elsewhere and highest_sequence(old) or (old.q or 0)
  end
  if floor then
    epoch = math.max(epoch, floor.e + 1)
    sequence = math.max(sequence, floor.q)
  end
  local name = request.l
  if not name and old then name = old.l end
  local record = {n = node, e = epoch, h = request.h, l = name, s = request.s, o = true, q = sequence, t = now,
                  f = request.f}
  write('cameras', request.c, record)
  redis.call('HDEL', prefix .. 'floors', request.c)
  tell({k = 'camera', c = request.c, r = record})
  return {'ok', now, epoch, sequence}
end

-- The node has these cameras, as far as it knows. The answer has those for which this is wrong, or the epoch is.
--
-- A camera that has connected to another node later has left this one, even if the other node is gone since.
function steps.keep()
  if not read('nodes', node) then return {'lapsed', now} end
  local corrected = {}
  for _, mine in ipairs(request) do
    local camera, record = mine[1], mine[2]
    local old = read('cameras', camera)
    local later = old or read('floors', camera)
    record.n, record.t = node, now
    if later and later.n ~= node and is_stronger(later, record) then
      table.insert(corrected, {camera, later.e, later.n})
    else
      if later and later.n == node and later.e > record.e then
        record.e = later.e
        table.insert(corrected, {camera, later.e, node})
      end
      if old and old.n == node then record.q = math.max(record.q or 0, old.q or 0) end
      write('cameras', camera, record)
      redis.call('HDEL', prefix .. 'floors', camera)
      if not old or old.n ~= node or old.e ~= record.e or old.o ~= record.o or old.x ~= record.x
          or old.l ~= record.l or old.s ~= record.s then
        tell({k = 'camera', c = camera, r = record})
      end
    end
  end
  return {'ok', now, cjson.encode(corrected)}
end

-- The node has forgotten these cameras.
function steps.release()
  for _, camera in ipairs(request) do
    local record = read('cameras', camera)
    if record and record.n == node then
      forget_camera(camera, record)
      tell({k = 'released', c = camera, n = node})
    end
  end
  return {'ok', now}
end

function steps.bye()
  if read('nodes', node) then end_node(node) end
  return {'ok', now}
end

function steps.snapshot()
  return {'ok', now, redis.call('GET', prefix .. 'era') or '', tonumber(redis.call('GET', prefix .. 'version') or 0),
          redis.call('HGETALL', prefix .. 'nodes'), redis.call('HGETALL', prefix .. 'cameras')}
end

-- Every node beats once a second. If no node was heard for longer, the engine did not run, or could not be reached.
local function forgive_pause()
  local last = tonumber(redis.call('GET', prefix .. 'last') or now)
  redis.call('SET', prefix .. 'last', now)
  if now - last <= PAUSE then return end
  local all = redis.call('HGETALL', prefix .. 'nodes')
  for i = 1, #all, 2 do
    local record = cjson.decode(all[i + 1])
    record.seen = now
    write('nodes', all[i], record)
  end
end

if what ~= 'time' and what ~= 'snapshot' then
  if now > valid_until then return {'late', now} end
  forgive_pause()
end
return steps[what]()

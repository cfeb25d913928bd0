#!lua
-- Writes one session of the given layout, with a full window of answers.
-- KEYS[1] session key
-- ARGV[1] layout; ARGV[2] header; ARGV[3] one service; ARGV[4] one answer (all JSON); ARGV[5] services
local key, layout = KEYS[1], ARGV[1]
local header, service, answer = cjson.decode(ARGV[2]), cjson.decode(ARGV[3]), cjson.decode(ARGV[4])
local count = tonumber(ARGV[5])
local pack = cmsgpack.pack

local write = {}

write['packed'] = function()
  local services, answers = {}, {}
  for i = 1, count do
    services[#services + 1] = 'rg' .. i
    services[#services + 1] = service
  end
  for i = 1, 8 do answers[i] = answer end
  redis.call('SET', key, pack({ header, services, answers }))
end

write['packed-nested'] = function()
  local services, answers = {}, {}
  for i = 1, count do
    services[#services + 1] = 'rg' .. i
    services[#services + 1] = pack(service)
  end
  for i = 1, 8 do answers[i] = pack(answer) end
  redis.call('SET', key, pack({ header, services, answers }))
end

write['fields'] = function()
  redis.call('HSET', key, 'h', pack(header))
  for i = 1, count do redis.call('HSET', key, 's:rg' .. i, pack(service)) end
  for i = 0, 7 do redis.call('HSET', key, 'a' .. i, pack(answer)) end
end

write['answers-apart'] = function()
  local services = {}
  for i = 1, count do
    services[#services + 1] = 'rg' .. i
    services[#services + 1] = pack(service)
  end
  redis.call('HSET', key, 'h', pack({ header, services }))
  for i = 0, 7 do redis.call('HSET', key, 'a' .. i, pack(answer)) end
end

write[layout]()
return redis.status_reply('OK')

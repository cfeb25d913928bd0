#!lua
-- C: the session is a hash: `h` the header, `s:<service>` one per service, `a<slot>` the answers.
-- The request number comes with the request, so that one HMGET reads all that it touches.
-- KEYS[1] session key
-- ARGV: 1 now, 2 used, then the keys of the services that the request touches
local key, now, used = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2])
local pack, unpack_value = cmsgpack.pack, cmsgpack.unpack

local names = { 'h', 'a0' }
for i = 3, #ARGV do names[i] = 's:' .. ARGV[i] end
local fields = redis.call('HMGET', key, unpack(names))
local header = unpack_value(fields[1])
local number = header[5] + 1
header[5] = number
header[6] = now
local reply = { number, now }
local changes = { 'h', pack(header), 'a' .. number % 8, '' }
for i = 3, #ARGV do
  local service = unpack_value(fields[i])
  service[2] = number
  service[3] = service[3] + used
  changes[#changes + 1] = names[i]
  changes[#changes + 1] = pack(service)
  reply[#reply + 1] = { ARGV[i], 2, service[6], 3600, false, service[4], 'EUR' }
end
changes[4] = pack(reply)
redis.call('HSET', key, unpack(changes))
return number

-- open_request(args): the request of a charging session: packed, its stamp, and the terms of each service
-- where they are not only named in it.
local function open_request(args)
  local request = cmsgpack.unpack(args[1])
  local asks = request[REQUEST_SERVICES]
  request[REQUEST_STAMP] = args[2]
  for i = 1, #asks do
    asks[i][ASK_TERMS] = asks[i][ASK_TERMS] or args[i + 2]
  end
  return request
end

#!lua flags=allow-oom
--- @include "open_partition"
-- witness: says which server this is, for whoever has to know that two replies are of the same one and
-- that it has lost nothing between them. Where asked to it writes, so that a WAIT behind it is for all
-- that stands before it.
--
-- KEYS waited
-- ARGV 1 to write, 0 not to
-- Reply { REPLY_DONE, lineage of the server, how many replicas are connected to it }
-- Events none
local waited_key, writes = KEYS[1], ARGV[1]

local lineage = fence.lineage()
local replicas = string.match(redis.call('INFO', 'replication'), '\nconnected_slaves:(%d+)')
if writes == '1' then
  redis.call('SET', waited_key, '1')
end
return { REPLY_DONE, lineage, tonumber(replicas) }

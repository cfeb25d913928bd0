#!lua flags=allow-oom
--- @include "open_partition"
-- witness: says which server this is, for whoever has to know that two replies are of the same one and
-- that it has lost nothing between them. Where asked to it writes, so that a WAIT behind it is for all
-- that stands before it.
--
-- KEYS waited
-- ARGV 1 to write, 0 not to
-- Reply { REPLY_DONE, lineage of the server, how many replicas follow it: one that has said of nothing yet
--         that it has it is still being filled }
-- Events none
local waited_key, writes = KEYS[1], ARGV[1]

local lineage = fence.lineage()
local _, replicas = string.gsub(redis.call('INFO', 'replication'), ',state=online,offset=[1-9]', '')
if writes == '1' then
  redis.call('SET', waited_key, '1')
end
return { REPLY_DONE, lineage, replicas }

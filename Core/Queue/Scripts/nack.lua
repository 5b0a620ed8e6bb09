-- Gives entries to another owner, as if idle for some milliseconds: level, id and deliveries of each follow.
local group, worker, new_owner, idle, wake_channel, queue = unpack(ARGV, 1, 6)
for i = 7, #ARGV, 3 do
    local stream, id, deliveries = KEYS[tonumber(ARGV[i])], ARGV[i + 1], ARGV[i + 2]
    if owner(stream, group, id) == worker then
        redis.call('XCLAIM', stream, group, new_owner, 0, id, 'IDLE', idle, 'RETRYCOUNT', deliveries, 'JUSTID')
    end
end
if new_owner == 'returned' then
    redis.call('HSET', state, 'returned', 1)
    redis.call('PUBLISH', wake_channel, queue)
end
return 1

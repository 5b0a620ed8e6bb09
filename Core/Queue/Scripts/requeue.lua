-- Moves a dead letter back into the queue in one step. Answers in the numbers of EnqueueOutcome; -1 where the dead letter is gone.
local level, request, id, deadline, kind, max_depth, max_bytes, group, wake_channel, queue, dead_letter = unpack(ARGV)
if not redis.call('XRANGE', dead_letters, dead_letter, dead_letter)[1] then
    return -1
end
level = tonumber(level)
local answer = check(level, #request, tonumber(max_depth), tonumber(max_bytes), group)
if answer == 1 then
    redis.call('XDEL', dead_letters, dead_letter)
    add(level, request, id, deadline, kind, wake_channel, queue)
end
return answer

-- Adds jobs of one version in their order, each where there is room, until one finds the queue full of requests: where there
-- is no room for the bytes of one there may be for those of the next. Answers for each that was looked at, in the numbers of EnqueueOutcome.
local max_depth, max_bytes, group, wake_channel, queue = unpack(ARGV, 1, 5)
local answers = {}
for first = 6, #ARGV, 5 do
    local level, request, id, deadline, kind = unpack(ARGV, first, first + 4)
    level = tonumber(level)
    local answer = check(level, #request, tonumber(max_depth), tonumber(max_bytes), group)
    if answer == 1 then
        add(level, request, id, deadline, kind, wake_channel, queue)
    end
    answers[#answers + 1] = answer
    if answer == 0 then
        break
    end
end
return answers

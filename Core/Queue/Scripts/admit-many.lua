-- Adds jobs of one version in their order, each where there is room, until one finds the queue full. Answers for each that was looked at,
-- in the numbers of EnqueueOutcome.
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
    if answer == 0 or answer == 3 then
        break
    end
end
return answers

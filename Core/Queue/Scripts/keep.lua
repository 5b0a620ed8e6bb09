-- Says that a worker still has entries: level and id of each follow. Answers the places (from 1) of those that another has.
local group, worker = ARGV[1], ARGV[2]
local lost = {}
for i = 3, #ARGV, 2 do
    local stream, id = KEYS[tonumber(ARGV[i])], ARGV[i + 1]
    local holder = owner(stream, group, id)
    if holder == worker then
        redis.call('XCLAIM', stream, group, worker, 0, id, 'JUSTID')
    elseif holder then
        lost[#lost + 1] = (i - 1) / 2
    end
end
return lost

-- Adds the request where there is room.
local level, request, id, deadline, kind, max_depth, max_bytes, group, wake_channel, queue = unpack(ARGV)
level = tonumber(level)
local answer = check(level, #request, tonumber(max_depth), tonumber(max_bytes), group)
if answer == 1 then
    add(level, request, id, deadline, kind, wake_channel, queue)
    limits.take(id)
end
return { answer, waiting, bytes, removed, shed, false, limits.standing() }

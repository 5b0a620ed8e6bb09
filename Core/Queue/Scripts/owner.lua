-- Who holds an entry. Whoever does something with entries asks first: one that was paused for longer than the visibility time may have
-- lost them to another. An entry that nobody holds (Redis lost its data) answers false, not another's name.
local function owner(stream, group, id)
    local pending = redis.pcall('XPENDING', stream, group, id, id, 1)
    return pending[1] and pending[1][2]
end

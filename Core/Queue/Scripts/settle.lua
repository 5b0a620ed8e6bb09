-- Accounts for entries that were removed. The count of bytes is put right whenever the queue is empty, so that an error in it cannot
-- last. Accounts must not stop work: a server without memory refuses them, and the work itself is what frees some.
local function settle(entries, size)
    if entries > 0 then
        redis.pcall('HINCRBY', state, 'removed', entries)
        local left = redis.pcall('HINCRBY', state, 'bytes', 0 - size)
        if type(left) ~= 'number' or left < 0 or depth() == 0 then
            redis.pcall('HSET', state, 'bytes', 0)
        end
    end
end

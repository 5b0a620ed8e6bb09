-- Which jobs the queue has entries of. Looks from an entry of a level on, at as many bytes as it may. Answers where to go on (level 0:
-- nowhere), and the ids.
local room, level, from = unpack(ARGV)
room, level = tonumber(room), tonumber(level)
local ids = {}
from = from ~= '' and from or '-'
while level <= 4 and room > 0 do
    local page = redis.call('XRANGE', KEYS[level], from, '+', 'COUNT', 8)
    for _, entry in ipairs(page) do
        from, room = '(' .. entry[1], room - entry_size(entry[2]) - 64
        if entry[2][8] == '1' then
            ids[#ids + 1] = entry[2][4]
        end
    end
    if #page < 8 then
        level, from = level + 1, '-'
    end
end
return { level <= 4 and level or 0, from, ids }

-- Acknowledges and deletes entries and accounts for their bytes, together: level, id and bytes of each follow. One that is gone already
-- (a flush, another worker) is not counted twice, and one that another has by now stays that one's. Without a worker's name they go,
-- whoever has them. Answers how many were removed.
local group, worker = ARGV[1], ARGV[2]
local gone, freed, done = 0, 0, { {}, {}, {}, {} }
for i = 3, #ARGV, 3 do
    local level, id, size = tonumber(ARGV[i]), ARGV[i + 1], tonumber(ARGV[i + 2])
    local holder = worker ~= '' and owner(KEYS[level], group, id)
    if not holder or holder == worker then
        table.insert(done[level], id)
        if redis.call('XDEL', KEYS[level], id) == 1 then
            gone, freed = gone + 1, freed + size
        end
    end
end
for level, ids in ipairs(done) do
    if #ids > 0 then
        redis.call('XACK', KEYS[level], group, unpack(ids))
    end
end
settle(gone, freed)
return gone

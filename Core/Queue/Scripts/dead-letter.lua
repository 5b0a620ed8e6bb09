-- Moves an entry to the dead letters in one step: it is never in both places, nor in neither. Answers whether it was still there; -1
-- where another worker has it by now, whose it stays.
local group, worker, level, id, reason, deliveries, now, max_length = unpack(ARGV)
local stream = KEYS[tonumber(level)]
local holder = owner(stream, group, id)
if holder and holder ~= worker then
    return -1
end
local entry = redis.call('XRANGE', stream, id, id)[1]
if not entry then
    return 0
end
redis.call('XADD', dead_letters, 'MAXLEN', max_length, '*',
    'request', entry[2][2], 'reason', reason, 'deliveries', deliveries, 'time', now)
redis.call('XACK', stream, group, id)
redis.call('XDEL', stream, id)
settle(1, entry_size(entry[2]))
return 1

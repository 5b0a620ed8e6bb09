-- Takes one back from a month's inferences: only where the month is known, since a count below zero would be kept for ever, and refuse
-- every request. Answers what is left, -1 where nothing was known.
local month = KEYS[1]
local used = tonumber(redis.call('GET', month))
if used and used > 0 then
    return redis.call('DECR', month)
end
return -1

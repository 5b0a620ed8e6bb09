-- Marks a request whose caller left. The mark lasts as long as the request could (times in milliseconds since 1970); the entry stays
-- where it is, since finding it in a stream would cost more than passing over it.
local id, now, until_then, channel = unpack(ARGV)
redis.call('ZREMRANGEBYSCORE', cancelled, '-inf', now)
redis.call('ZADD', cancelled, until_then, id)
local last = redis.call('ZREVRANGE', cancelled, 0, 0, 'WITHSCORES')
redis.call('PEXPIRE', cancelled, math.max(1, tonumber(last[2]) - tonumber(now)))
redis.call('PUBLISH', channel, id)
return 1

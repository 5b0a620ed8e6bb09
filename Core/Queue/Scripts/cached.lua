-- Answers with the cached response where there is one: it is a request of the tenant, but waits for nothing.
local cached = redis.call('GET', KEYS[8])
if cached then
    limits.take(nil)
    return { 2, 0, 0, 0, 0, cached, limits.standing() }
end

-- A tenant's limits, counted where the request is admitted, by Redis' own clock. KEYS from `key` are those of TenantKeys.All: rate,
-- slots, month. ARGV from `arg` are requests a minute, burst, slots, inferences a month (0: not counted; negative: counted without a
-- bound), and how long a slot lasts (ms). Nothing is written before `take`, so that who is refused pays nothing.
-- The rate is a GCRA: what is kept is when the bucket will be full again, in microseconds.
local function tenant(key, arg)
    local rate, slots, month = unpack(KEYS, key, key + 2)
    local per_minute, burst, max_in_flight, quota, slot_lifetime = unpack(ARGV, arg, arg + 4)
    per_minute, burst, max_in_flight, quota = tonumber(per_minute), tonumber(burst), tonumber(max_in_flight), tonumber(quota)
    local clock = redis.call('TIME')
    local now = clock[1] * 1000000 + clock[2]
    local interval = per_minute > 0 and 60000000 / per_minute or 0
    local full_at, wait, in_flight, used = now, 0, -1, -1
    local self = {}

    local function look()
        if per_minute > 0 then
            full_at = math.max(now, tonumber(redis.call('GET', rate)) or 0)
            -- Less than a microsecond is rounding.
            wait = full_at + interval - now - burst * interval
            if wait < 1 then wait = 0 end
        end
        if quota ~= 0 then
            used = tonumber(redis.call('GET', month)) or -1
        end
        if max_in_flight > 0 then
            redis.call('ZREMRANGEBYSCORE', slots, '-inf', string.format('%.0f', now / 1000))
            in_flight = redis.call('ZCARD', slots)
        end
    end

    local function write_rate()
        redis.call('SET', rate, string.format('%.17g', full_at), 'PX', string.format('%.0f', math.ceil((full_at - now) / 1000) + 1))
    end

    function self.refusal(with_slot)
        look()
        if wait > 0 then return 6 end
        if quota ~= 0 and used < 0 then return 9 end
        if quota > 0 and used >= quota then return 8 end
        if with_slot and max_in_flight > 0 and in_flight >= max_in_flight then return 7 end
        return nil
    end

    function self.take(slot)
        if per_minute > 0 then
            full_at = full_at + interval
            write_rate()
        end
        if quota ~= 0 then
            used = redis.call('INCR', month)
        end
        if slot and max_in_flight > 0 then
            redis.call('ZADD', slots, string.format('%.0f', now / 1000 + tonumber(slot_lifetime)), slot)
            redis.call('PEXPIRE', slots, 900000)
            in_flight = in_flight + 1
        end
    end

    function self.give_back(slot)
        look()
        if per_minute > 0 and full_at > now then
            full_at = math.max(now, full_at - interval)
            write_rate()
            wait = math.max(0, full_at + interval - now - burst * interval)
        end
        if quota ~= 0 and used > 0 then
            used = redis.call('DECR', month)
        end
        if max_in_flight > 0 and redis.call('ZREM', slots, slot) == 1 then
            in_flight = in_flight - 1
        end
    end

    function self.standing()
        local left = per_minute > 0 and math.max(0, math.floor((burst * interval - (full_at - now) + 1) / interval)) or 0
        return left, math.ceil(full_at - now), math.ceil(wait), in_flight, used
    end

    return self
end

-- The tenant's keys are the last three; its arguments follow those of the queue.
local limits = tenant(#KEYS - 2, 11)
local refusal = limits.refusal(true)
if refusal then
    return { refusal, 0, 0, 0, 0, false, limits.standing() }
end

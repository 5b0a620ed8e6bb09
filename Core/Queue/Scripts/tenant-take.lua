-- Counts one request. No slot is taken: what is counted here does not wait in a queue for its caller.
local limits = tenant(1, 1)
local refusal = limits.refusal(false)
if not refusal then
    limits.take(nil)
end
return { refusal or 1, limits.standing() }

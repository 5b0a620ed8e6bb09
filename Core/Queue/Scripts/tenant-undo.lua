-- Undoes what admission counted for a request: it was refused after all.
local limits, id = tenant(1, 1), ARGV[6]
limits.give_back(id)
return { 1, limits.standing() }

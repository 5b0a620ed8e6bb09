-- A tenant whose requests are not counted; see limited.lua.
local limits = { take = function() end, standing = function() end }

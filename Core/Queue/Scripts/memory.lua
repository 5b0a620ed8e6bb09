-- By a script, since as a command it is for administrators, and managed servers hide CONFIG.
return redis.call('INFO', 'memory')

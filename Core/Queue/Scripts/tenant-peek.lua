local limits = tenant(1, 1)
return { limits.refusal(false) or 1, limits.standing() }

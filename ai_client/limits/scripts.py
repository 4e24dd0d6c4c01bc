"""What Redis does in one go: places, and what was spent.

Redis runs a script without any other command between its own
(https://redis.io/docs/latest/develop/programmability/eval-intro/), and by its own clock.

A place is a member of a sorted set whose score is the time at which it ends by itself.

What was spent is a hash per key and period: ``total`` in 10^-10 US dollars, and ``since``, the time
at which the database was read that the total was begun from. A request that ended before that may
be in the beginning already, so it is not added again; the database tells of it in a moment.
"""

from __future__ import annotations

TAKE_PLACE = """
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then
    return 0
end
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[3]), ARGV[1])
redis.call('EXPIRE', KEYS[1], math.ceil(tonumber(ARGV[3])) + 1)
return 1
"""
"""Keys: the set. Arguments: the place, how many there are, the seconds that it lasts."""

SPENT = """
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local totals = {}
for index, name in ipairs(KEYS) do
    if redis.call('EXISTS', name) == 0 then
        redis.call('HSET', name, 'total', ARGV[index * 2], 'since', now - tonumber(ARGV[1]))
        redis.call('EXPIRE', name, ARGV[index * 2 + 1])
    end
    totals[index] = redis.call('HGET', name, 'total')
end
return totals
"""
"""Keys: the hashes. Arguments: the age in seconds of what the database said, then for each hash
what it said, and the seconds that the hash is kept."""

SPEND = """
local time = redis.call('TIME')
local ended = tonumber(time[1]) + tonumber(time[2]) / 1000000 - tonumber(ARGV[2])
for index, name in ipairs(KEYS) do
    local since = redis.call('HGET', name, 'since')
    if since and tonumber(since) < ended then
        redis.call('HINCRBY', name, 'total', ARGV[1])
    end
end
return 1
"""
"""Keys: the hashes. Arguments: what was spent, and how many seconds ago at most."""

// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What all scripts of redis_scripts.cpp begin with.

namespace relay {

inline constexpr const char* redis_scripts_common = R"lua(
if redis.replicate_commands then redis.replicate_commands() end
local call = redis.call
local meta = KEYS[1]
local P = string.sub(meta, 1, -5)
local now, microseconds
do
    local t = call('TIME')
    microseconds = t[1] * 1000000 + t[2]
    now = math.floor(microseconds / 1000)
end

-- ---------------------------------------------------------------- ids

local function prefix() return call('HGET', meta, 'id') end

-- The number in a public id; nil: it is none of this queue's.
local function number_of(id)
    local before, n = string.match(id, '^(%w+)%-([1-9]%d*)$')
    if before and before == prefix() then return n end
end

-- ---------------------------------------------------------------- what is being changed

-- Of a transaction that a crash cut off at the end of its file, Redis 7 forgets what is there when it is started again; but when it
-- is started for the second time, it carries that out, before all that has happened since. So each script writes down what it will
-- change, under a mark of its own, and the next one that writes strikes that out. A mark that is neither the last one's nor gone is
-- that of a transaction that the others knew nothing of, and what it has touched is mended. For that:
-- - nothing is numbered anew with a number that the forgotten transaction may have used: numbers are times;
-- - fields are set, not added to;
-- - what cannot be made good is not removed in the transaction that makes it superfluous, but later (`spent`).
local open = P .. 'open'
local mark = string.format('%.0f', microseconds)
local written = {}
local function touch(what)
    if written[what] then return end
    call('SADD', open, mark .. ' ' .. what)
    written[what] = true
    written[1] = true
end

-- Redis refuses for want of memory only the first command that writes, and never this one, which does nothing.
local function even_without_memory() call('HDEL', meta, '-') end

-- ---------------------------------------------------------------- states

local function make_ready(n, host, since)
    local s = P .. 's:' .. host
    if call('EXISTS', s) == 0 then call('XGROUP', 'CREATE', s, 'relay', '0', 'MKSTREAM') end
    local entry = call('XADD', s, '*', 'job', n)
    call('HSET', P .. 'j:' .. n, 'state', 'ready', 'due', since, 'entry', entry)
    call('ZADD', P .. 'ready', since, n)
    if call('HINCRBY', P .. 'waiting', host, 1) == 1 then
        call('ZADD', P .. 'turns', call('HINCRBY', meta, 'turn', 1), host)
    end
end

local function make_delayed(n, due)
    call('HSET', P .. 'j:' .. n, 'state', 'delayed', 'due', due)
    call('ZADD', P .. 'delayed', due, n)
end

local function make_dead(n, at)
    call('HSET', P .. 'j:' .. n, 'state', 'dead', 'due', at)
    call('ZADD', P .. 'dead', n, n)
end

-- The lease of a job in flight is over.
local function leave(n, host, entry)
    local s = P .. 's:' .. host
    call('ZREM', P .. 'leases', n)
    if not entry then return end -- it was mended
    call('XACK', s, 'relay', entry)
    call('XDEL', s, entry)
    call('HDEL', P .. 'j:' .. n, 'entry', 'worker')
    if call('XLEN', s) == 0 then call('DEL', s) end
end

local function fell_due(n, at)
    touch(n)
    call('ZREM', P .. 'delayed', n)
    local host = call('HGET', P .. 'j:' .. n, 'host')
    if host then make_ready(n, host, at) end -- else somebody has removed the job
end

local function ran_out(n, at)
    touch(n)
    local f = call('HMGET', P .. 'j:' .. n, 'host', 'entry', 'attempts', 'max')
    if not f[1] then return call('ZREM', P .. 'leases', n) end
    leave(n, f[1], f[2])
    call('HSET', P .. 'j:' .. n, 'status', '0', 'error', 'the lease ran out')
    if tonumber(f[3]) >= tonumber(f[4]) then
        make_dead(n, at)
    else
        make_ready(n, f[1], at)
    end
end

-- ---------------------------------------------------------------- mending

local kept_in = {delayed = 'delayed', in_flight = 'leases', done = 'done', dead = 'dead', ready = 'ready'}

-- Puts the job where its record says that it is. Nobody was told that it is anywhere else.
local function mend_job(n, hosts)
    local j = P .. 'j:' .. n
    local f = call('HMGET', j, 'host', 'state', 'due', 'key')
    if f[1] then hosts[f[1]] = true end
    -- Somebody else has put with its key since, because nobody knew of this one.
    local keeper = f[4] and string.match(call('GET', P .. 'k:' .. f[4]) or '', '^%d+')
    if keeper and keeper ~= n then f[2] = nil end
    for state, set in pairs(kept_in) do
        if state ~= f[2] then call('ZREM', P .. set, n) end
    end
    if f[2] then
        call('ZADD', P .. kept_in[f[2]], f[2] == 'dead' and n or f[3], n)
        call('ZADD', P .. 'all', n, n)
        if f[2] == 'done' then call('RPUSH', P .. 'spent', n) end
    else -- a put that was not finished, or a record that was to be forgotten
        if keeper == n then call('DEL', P .. 'k:' .. f[4]) end
        call('DEL', j)
        call('ZREM', P .. 'all', n)
    end
end

-- Their streams are made anew, from what is ready. Jobs in flight are in none then.
local function mend_hosts(hosts)
    for host in pairs(hosts) do
        call('DEL', P .. 's:' .. host)
        call('HDEL', P .. 'waiting', host)
        call('ZREM', P .. 'turns', host)
    end
    for _, n in ipairs(call('ZRANGE', P .. 'leases', 0, -1)) do
        local host = call('HGET', P .. 'j:' .. n, 'host')
        if host and hosts[host] then call('HDEL', P .. 'j:' .. n, 'entry') end
    end
    local ready = {}
    local z = call('ZRANGE', P .. 'ready', 0, -1, 'WITHSCORES')
    for i = 1, #z, 2 do
        local host = call('HGET', P .. 'j:' .. z[i], 'host')
        if host and hosts[host] then ready[#ready + 1] = {tonumber(z[i + 1]), tonumber(z[i]), z[i], host} end
    end
    table.sort(ready, function(a, b)
        if a[1] ~= b[1] then return a[1] < b[1] end
        return a[2] < b[2]
    end)
    for _, j in ipairs(ready) do make_ready(j[3], j[4], j[1]) end
end

-- `what`: numbers, and "h" and hosts.
local function mend(what)
    local hosts = {}
    for _, w in ipairs(what) do touch(w) end
    for _, w in ipairs(what) do
        if string.sub(w, 1, 1) == 'h' then
            hosts[string.sub(w, 2)] = true
        else
            mend_job(w, hosts)
        end
    end
    for host in pairs(hosts) do touch('h' .. host) end
    mend_hosts(hosts)
end

-- ---------------------------------------------------------------- time

-- What time has done, in its order; about so much of it at a time. There may be more: `behind`.
local behind = false
local function settle(most)
    local due = call('ZRANGEBYSCORE', P .. 'delayed', '-inf', now, 'WITHSCORES', 'LIMIT', 0, most)
    local out = call('ZRANGEBYSCORE', P .. 'leases', '-inf', now, 'WITHSCORES', 'LIMIT', 0, most)
    if #due + #out == 0 then return end
    local last = now
    for _, z in ipairs({due, out}) do
        if #z == 2 * most then
            behind = true
            last = math.min(last, tonumber(z[#z]))
        end
    end
    local all = {}
    for i = 1, #due, 2 do all[#all + 1] = {due[i], tonumber(due[i + 1]), fell_due} end
    for i = 1, #out, 2 do all[#all + 1] = {out[i], tonumber(out[i + 1]), ran_out} end
    table.sort(all, function(a, b)
        if a[2] ~= b[2] then return a[2] < b[2] end
        return tonumber(a[1]) < tonumber(b[1])
    end)
    for _, j in ipairs(all) do
        if j[2] <= last then j[3](j[1], j[2]) end
    end
end

-- Ready `delay` from now; but not before those that were due already.
local function make_due(n, host, delay)
    if delay > 0 or behind then
        make_delayed(n, now + math.max(delay, 0))
    else
        make_ready(n, host, now)
    end
    call('PUBLISH', P .. 'changes', math.max(delay, 0))
end

-- The fields of a job whose lease is still held.
local function held(id, token)
    local n = number_of(id)
    if not n then return end
    local f = call('HMGET', P .. 'j:' .. n, 'state', 'token', 'due', 'host', 'entry', 'attempts',
                   'max', 'worker')
    if f[1] == 'in_flight' and f[2] == token and tonumber(f[3]) > now then return n, f end
end

local function note(n, status, err) call('HSET', P .. 'j:' .. n, 'status', status, 'error', err) end

-- How ack, release and bury begin: ends the lease that ARGV names, and notes how the attempt went. nil: it is not held.
local function take_back()
    even_without_memory()
    settle(100)
    local n, f = held(ARGV[1], ARGV[2])
    if not n then return end
    touch(n)
    leave(n, f[4], f[5])
    note(n, ARGV[3], ARGV[4])
    return n, f
end

-- Drops the bodies of jobs that are done, at most so many.
local function drop_bodies(most)
    for _ = 1, most do
        local n = call('LPOP', P .. 'spent')
        if not n then return end
        if call('HGET', P .. 'j:' .. n, 'state') == 'done' then
            call('HDEL', P .. 'j:' .. n, 'body', 'values')
        end
    end
end

-- Forgets jobs that are done for longer than `keep`; their idempotency keys when they are old enough.
local function purge(keep, keep_key, most)
    local old = call('ZRANGEBYSCORE', P .. 'done', '-inf', now - keep, 'LIMIT', 0, most)
    for _, n in ipairs(old) do
        touch(n)
        local f = call('HMGET', P .. 'j:' .. n, 'key', 'created')
        if f[1] then
            local ends = tonumber(f[2]) + keep_key
            if ends > now then
                call('PEXPIREAT', P .. 'k:' .. f[1], string.format('%.0f', ends))
            else
                call('DEL', P .. 'k:' .. f[1])
            end
        end
        call('DEL', P .. 'j:' .. n)
        call('ZREM', P .. 'done', n)
        call('ZREM', P .. 'all', n)
    end
end

-- The next moments when something becomes ready: time, host, time, host ...
local function upcoming(most)
    local found = {}
    for _, name in ipairs({'delayed', 'leases'}) do
        local z = call('ZRANGE', P .. name, 0, most - 1, 'WITHSCORES')
        for i = 1, #z, 2 do found[#found + 1] = {tonumber(z[i + 1]), z[i]} end
    end
    table.sort(found, function(a, b) return a[1] < b[1] end)
    local result = {}
    for i = 1, math.min(most, #found) do
        result[#result + 1] = found[i][1]
        result[#result + 1] = call('HGET', P .. 'j:' .. found[i][2], 'host') or ''
    end
    return result
end

-- A job as the C++ side reads it.
local shown = {'target', 'host', 'names', 'state', 'attempts', 'max', 'created', 'due', 'status',
               'error', 'values', 'body'}
local function show(n, with_body)
    local f = call('HMGET', P .. 'j:' .. n, unpack(shown, 1, with_body and 12 or 10))
    if not f[1] then return false end
    if f[4] == 'done' then f[11], f[12] = nil, nil end
    table.insert(f, 1, prefix() .. '-' .. n)
    return f
end

local function verb()
)lua";

/// What they end with.
inline constexpr const char* redis_scripts_end = R"lua(
end

local last = call('HGET', meta, 'last')
local old, torn = call('SMEMBERS', open), {}
for _, m in ipairs(old) do
    local whose, what = string.match(m, '^(%d+) (.*)$')
    if whose ~= last then torn[#torn + 1] = what end
end
if #torn > 0 then mend(torn) end
local result = verb()
if written[1] then
    for i = 1, #old, 1000 do
        call('SREM', open, unpack(old, i, math.min(i + 999, #old)))
    end
    call('HSET', meta, 'last', mark)
end
return result
)lua";

} // namespace relay

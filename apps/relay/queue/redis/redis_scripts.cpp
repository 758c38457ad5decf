// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "redis_scripts.hpp"

#include "redis_scripts_common.hpp"

namespace relay {

namespace {

/// delay, max attempts, random id, idempotency key, target, host, names, values, body
/// -> [1, id] new; [0, id] existed; [-1, ""] conflict
constexpr const char* put = R"lua(
local delay, key = tonumber(ARGV[1]), ARGV[4]
settle(100)
local print
if key ~= '' then
    local parts = {}
    for i = 5, 9 do parts[#parts + 1] = #ARGV[i] .. ':' .. ARGV[i] end
    print = redis.sha1hex(table.concat(parts))
    local was = call('GET', P .. 'k:' .. key)
    if was then
        local n, p = string.match(was, '^(%d+) (%x+)$')
        if p ~= print then return {-1, ''} end
        return {0, prefix() .. '-' .. n}
    end
end
local n = string.format('%.0f', math.max(microseconds, (call('HGET', meta, 'jobs') or 0) + 1))
touch(n)
call('HSET', meta, 'jobs', n)
local id = prefix()
if not id then
    id = ARGV[3]
    call('HSET', meta, 'id', id)
end
local j = P .. 'j:' .. n
call('HSET', j, 'target', ARGV[5], 'host', ARGV[6], 'names', ARGV[7], 'values', ARGV[8], 'body', ARGV[9],
     'attempts', 0, 'max', ARGV[2], 'created', now, 'status', 0, 'error', '', 'token', 0)
if key ~= '' then
    call('HSET', j, 'key', key)
    call('SET', P .. 'k:' .. key, n .. ' ' .. print)
end
call('ZADD', P .. 'all', n, n)
make_due(n, ARGV[6], delay)
return {1, id .. '-' .. n}
)lua";

/// from, how many -> [now, hosts whose turn it is, in order, upcoming]
constexpr const char* hosts = R"lua(
even_without_memory()
settle(1000)
local from = tonumber(ARGV[1])
return {now, call('ZRANGE', P .. 'turns', from, from + ARGV[2] - 1), upcoming(8)}
)lua";

/// lease, worker, how many, then of which hosts how many: host, n, host, n ...; none: of any
/// -> [now, jobs with their tokens in front, whether there are more, upcoming]
constexpr const char* take = R"lua(
even_without_memory()
settle(1000)
local lease, worker, most = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3])
local hosts, room = {}, {}
if #ARGV > 3 then
    for i = 4, #ARGV, 2 do
        hosts[#hosts + 1] = ARGV[i]
        room[#room + 1] = tonumber(ARGV[i + 1])
    end
else
    hosts = call('ZRANGE', P .. 'turns', 0, most - 1)
    for i = 1, #hosts do room[i] = most end
end

-- Who gets how many, and in which order: one each, round after round.
local waiting, given, last, order = {}, {}, {}, {}
for i, host in ipairs(hosts) do
    waiting[i] = tonumber(call('HGET', P .. 'waiting', host) or 0)
    given[i] = 0
end
local round = true
while round and #order < most do
    round = false
    for i = 1, #hosts do
        if #order < most and given[i] < math.min(room[i], waiting[i]) then
            given[i] = given[i] + 1
            order[#order + 1] = i
            last[i] = #order
            round = true
        end
    end
end
local more = 0
local entries, next_of, served = {}, {}, {}
for i, host in ipairs(hosts) do
    if given[i] < math.min(room[i], waiting[i]) then more = 1 end
    if given[i] > 0 then
        touch('h' .. host)
        local r = call('XREADGROUP', 'GROUP', 'relay', worker, 'COUNT', given[i], 'STREAMS',
                       P .. 's:' .. host, '>')
        entries[i] = r and r[1][2] or {}
        for _, e in ipairs(entries[i]) do touch(e[2][2]) end
        next_of[i] = 0
        if given[i] < waiting[i] then
            call('HSET', P .. 'waiting', host, waiting[i] - given[i])
            served[#served + 1] = i
        else
            call('HDEL', P .. 'waiting', host)
            call('ZREM', P .. 'turns', host)
        end
    end
end
table.sort(served, function(a, b) return last[a] < last[b] end)
for _, i in ipairs(served) do
    call('ZADD', P .. 'turns', call('HINCRBY', meta, 'turn', 1), hosts[i])
end

local jobs = {}
for _, i in ipairs(order) do
    next_of[i] = next_of[i] + 1
    local e = entries[i][next_of[i]]
    if e then
        local n = e[2][2]
        local j = P .. 'j:' .. n
        call('ZREM', P .. 'ready', n)
        local f = call('HMGET', j, 'attempts', 'token')
        if f[1] then
            local token = f[2] + 1
            call('ZADD', P .. 'leases', now + lease, n)
            call('HSET', j, 'attempts', f[1] + 1, 'token', token, 'state', 'in_flight', 'due',
                 now + lease, 'worker', worker)
            local s = show(n, true)
            table.insert(s, 1, token)
            jobs[#jobs + 1] = s
        else -- somebody has removed the job
            leave(n, hosts[i], e[1])
        end
    end
end
return {now, jobs, more, upcoming(#ARGV > 3 and 8 or 1)}
)lua";

/// by, then id, token, id, token ... -> 1 or 0 for each
constexpr const char* extend = R"lua(
even_without_memory()
settle(100)
local ends = now + ARGV[1]
local result = {}
for i = 2, #ARGV, 2 do
    local n, f = held(ARGV[i], ARGV[i + 1])
    if n then
        touch(n)
        call('HSET', P .. 'j:' .. n, 'due', ends)
        call('ZADD', P .. 'leases', ends, n)
        -- For those who look with XPENDING: it is alive.
        if f[5] then call('XCLAIM', P .. 's:' .. f[4], 'relay', f[8], 0, f[5], 'JUSTID') end
    end
    result[#result + 1] = n and 1 or 0
end
return result
)lua";

/// id, token, status, error, keep, keep key -> whether
constexpr const char* ack = R"lua(
local n, f = take_back()
if not n then return 0 end
call('HSET', P .. 'j:' .. n, 'state', 'done', 'due', now)
call('ZADD', P .. 'done', now, n)
drop_bodies(2)
call('RPUSH', P .. 'spent', n)
purge(ARGV[5], ARGV[6], 2)
return 1
)lua";

/// id, token, status, error, delay, whether it counts -> whether
constexpr const char* release = R"lua(
local n, f = take_back()
if not n then return 0 end
local delay = tonumber(ARGV[5])
if ARGV[6] == '0' then
    call('HSET', P .. 'j:' .. n, 'attempts', f[6] - 1)
elseif tonumber(f[6]) >= tonumber(f[7]) then
    make_dead(n, now)
    return 1
end
make_due(n, f[4], delay)
return 1
)lua";

/// id, token, status, error -> whether
constexpr const char* bury = R"lua(
local n, f = take_back()
if not n then return 0 end
make_dead(n, now)
return 1
)lua";

/// id -> whether
constexpr const char* kick = R"lua(
settle(100)
local n = number_of(ARGV[1])
if not n or not call('ZSCORE', P .. 'dead', n) then return 0 end
touch(n)
call('ZREM', P .. 'dead', n)
call('HSET', P .. 'j:' .. n, 'attempts', 0)
make_due(n, call('HGET', P .. 'j:' .. n, 'host'), 0)
return 1
)lua";

/// keep, keep key -> [ready, delayed, in flight, done, dead, [number, since] or []]
constexpr const char* stats = R"lua(
even_without_memory()
settle(1000)
drop_bodies(1000)
purge(ARGV[1], ARGV[2], 1000)
local result = {}
for _, name in ipairs({'ready', 'delayed', 'leases', 'done', 'dead'}) do
    result[#result + 1] = call('ZCARD', P .. name)
end
result[#result + 1] = call('ZRANGE', P .. 'ready', 0, 0, 'WITHSCORES')
return result
)lua";

/// id -> job or nil
constexpr const char* find = R"lua(
even_without_memory()
settle(1000)
local n = number_of(ARGV[1])
return n and show(n, true)
)lua";

/// state or '', how many, id before or '', keep, keep key -> [jobs, the id to go on after or '']
constexpr const char* list = R"lua(
even_without_memory()
settle(1000)
purge(ARGV[4], ARGV[5], 1000)
local state, most = ARGV[1], tonumber(ARGV[2])
local before = '+inf'
if ARGV[3] ~= '' then
    local n = number_of(ARGV[3])
    if not n then return {{}, ''} end
    before = '(' .. n
end
-- Dead ones of older relays get their number for a score; false: there may be more of these.
local function dead_by_number()
    local old = call('ZRANGEBYSCORE', P .. 'dead', '-inf', '(100000000000000', 'LIMIT', 0, 1000)
    for _, n in ipairs(old) do call('ZADD', P .. 'dead', 'XX', n, n) end
    return #old < 1000
end
local jobs = {}
local set = state == 'in_flight' and 'leases' or state
local through = 'all'
if state == 'dead' and dead_by_number() then
    through = 'dead'
elseif state ~= '' and call('ZCARD', P .. set) <= 10000 then
    -- Few, perhaps of very many: not in the order of their numbers.
    local few = call('ZRANGE', P .. set, 0, -1)
    for i, n in ipairs(few) do few[i] = tonumber(n) end
    table.sort(few)
    local limit = ARGV[3] ~= '' and tonumber(number_of(ARGV[3])) or math.huge
    for i = #few, 1, -1 do
        if #jobs == most then break end
        if few[i] < limit then jobs[#jobs + 1] = show(string.format('%.0f', few[i]), false) end
    end
    return {jobs, ''}
end
-- So many at a time that Redis does not stand still.
local numbers = call('ZREVRANGEBYSCORE', P .. through, before, '-inf', 'LIMIT', 0, 1000)
for _, n in ipairs(numbers) do
    if #jobs == most then return {jobs, ''} end
    if state == '' or call('HGET', P .. 'j:' .. n, 'state') == state then
        jobs[#jobs + 1] = show(n, false)
    end
end
if #numbers < 1000 or #jobs == most then return {jobs, ''} end
return {jobs, prefix() .. '-' .. numbers[#numbers]}
)lua";

/// keep, keep key -> [how many are ready, milliseconds until there are more or -1]
constexpr const char* look = R"lua(
even_without_memory()
settle(1000)
drop_bodies(1000)
purge(ARGV[1], ARGV[2], 1000)
local next = upcoming(1)
return {call('ZCARD', P .. 'ready'), next[1] and math.max(next[1] - now, 0) or -1}
)lua";

redis_script script(const char* name, const char* text)
{
    return {name, std::string(redis_scripts_common) + text + redis_scripts_end};
}

} // namespace

redis_scripts::redis_scripts()
    : put(script("put", relay::put)),
      hosts(script("hosts", relay::hosts)),
      take(script("take", relay::take)),
      extend(script("extend", relay::extend)),
      ack(script("ack", relay::ack)),
      release(script("release", relay::release)),
      bury(script("bury", relay::bury)),
      kick(script("kick", relay::kick)),
      stats(script("stats", relay::stats)),
      find(script("find", relay::find)),
      list(script("list", relay::list)),
      look(script("look", relay::look))
{
}

} // namespace relay

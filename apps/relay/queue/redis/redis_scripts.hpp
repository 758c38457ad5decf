// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>

/// The steps that Redis takes as one: a Lua script each.
///
/// All keys of the queue `q` begin with `{q}:`, so that a cluster keeps them on one node. A job has a number n:
///
///     meta        hash    id: what public ids begin with; jobs: the last number, at least the time in microseconds; turn: the last turn
///     all         zset    every job's number, by number
///     j:n         hash    the job: target host names values body state attempts max created due status error key
///                         token: how often it was reserved; entry: its place in the stream; worker
///     s:host      stream  jobs of a host that are ready, and, pending in the group "relay", those in flight
///     waiting     hash    how many jobs of a host are ready
///     turns       zset    hosts with such, by the turn in which they were served last
///     ready       zset    numbers, by the time since when
///     delayed     zset    numbers, by the time when they become ready
///     leases      zset    numbers of jobs in flight, by the end of the lease
///     done        zset    numbers, by the time when
///     dead        zset    numbers, by number (older relays: by the time when, which is much less; `list` puts that right)
///     k:key       string  idempotency key: "n fingerprint"; ends some time after its job's record, never before
///     spent       list    numbers of jobs that are done and still have their bodies
///     open        set     what the last script has changed: its mark (in meta: last), and a number or "h" and a host
///     changes     channel how many milliseconds from now something becomes ready
///
/// Times are Redis' own, in milliseconds. Each script first does what time has done: delayed jobs become ready, and so do those whose
/// lease has run out. The order in a stream is that in which jobs became ready.
///
/// A script that fails in the middle would leave half of its work. Redis refuses (for want of memory, on a replica) only the first
/// command of a script that writes; the others follow. What a crash leaves half done is mended (redis_scripts_common.hpp).

namespace relay {

struct redis_script {
    const char* name;
    std::string text;
    std::string sha{}; ///< as Redis calls it; empty: not known yet
};

/// What a queue calls. KEYS[1] is `{q}:meta`; the arguments are named in each.
struct redis_scripts {
    redis_scripts();

    redis_script put, hosts, take, extend, ack, release, bury, kick, stats, find, list, look;
};

} // namespace relay

// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "queue.hpp"
#include "sqlite_database.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

/// `sqlite_store`: the jobs in their tables.

namespace relay {

/// The verbs of `queue` upon a SQLite file, without any waiting. Between `begin` and `commit` they make one transaction; an error
/// of any of them, but idempotency_conflict, ends it, and nothing of it has happened.
///
/// Nobody else can have the file open: so leases that are found in it belong to a process that is gone.
///
/// In memory there are only counts, and the hosts that have ready jobs: always all of these, sometimes one too many.
///
/// @par Thread safety  unsafe: one thread at a time.
class sqlite_store {
public:
    /// @throws sqlite::error  also: another process has it open; it is no database of relay's, or of a newer one.
    sqlite_store(const std::string& file, std::chrono::milliseconds keep_done);

    void begin();
    void commit();
    void roll_back() noexcept;

    put_result put(const new_job& j, std::string_view fingerprint);
    reserve_result reserve(const reserve_request& r);
    bool extend(const lease& l, std::chrono::milliseconds by);
    bool ack(const lease& l, const attempt_result& how);
    bool release(const lease& l, std::chrono::milliseconds delay, const attempt_result& how,
                 bool counts);
    bool bury(const lease& l, const attempt_result& how);
    bool kick(std::string_view id);
    queue_stats stats();
    std::optional<job> find(std::string_view id);
    std::vector<job> list(const list_request& r);

    /// Forgets some of the jobs that have been done for long. True: there may be more.
    bool prune();
    /// Makes ready what is due: delayed jobs, and those whose leases ran out. The others do so too.
    void make_due_ready();
    /// When the next delayed job becomes ready, or the next lease ends, of hosts that have room; without `room`: of all.
    [[nodiscard]] std::optional<timestamp>
    next_timed(const std::function<std::size_t(std::string_view host)>& room = {});

private:
    using row = sqlite::statement::run;
    using micros = std::int64_t; ///< since the epoch

    struct counters {
        std::uint64_t of[5] = {}; ///< by job_state
        [[nodiscard]] std::uint64_t& operator[](job_state s) noexcept
        {
            return of[static_cast<std::size_t>(s)];
        }
    };

    void make_tables();
    void load();
    void move(job_state from, job_state to) noexcept;
    void host_has_ready(std::string_view host);
    /// The time; each one is later than the one before, so that what came first has been due longer.
    micros tick() noexcept;
    std::size_t reserve_of(const std::string& host, std::size_t most, const reserve_request& r,
                           std::vector<reserved_job>& to);
    bool end(const lease& l, job_state as, const attempt_result& how);
    [[nodiscard]] std::string id_of(std::int64_t number) const;
    /// Nothing: no id of this queue.
    [[nodiscard]] std::optional<std::int64_t> number_of(std::string_view id) const;
    [[nodiscard]] job read(const row& r) const;

    sqlite::database db_;
    const std::chrono::milliseconds keep_done_;
    std::string name_; ///< what ids begin with

    struct statements;
    struct destroyer {
        void operator()(statements* s) const noexcept;
    };
    std::unique_ptr<statements, destroyer> sql_;

    std::int64_t next_number_ = 1;
    std::int64_t numbers_end_ = 1; ///< up to here, exclusive, the file says they may be used up
    std::uint64_t next_token_ = 1;
    counters counts_;
    micros next_timed_ = 0; ///< nothing is due before; may be too early
    micros last_tick_ = 0;

    struct place {
        std::list<std::string>::iterator at;
        bool left = false; ///< in left_, else in turn_
    };
    std::list<std::string> turn_; ///< hosts with ready jobs; whose turn it is stands first
    std::list<std::string> left_; ///< that had no more, since `begin`: a roll-back needs them
    std::unordered_map<std::string_view, place> hosts_; ///< all of both; views into them

    // As they were at `begin`: what a roll-back goes back to, besides left_. Hosts that came since, and too early a `next_timed_`,
    // do no harm.
    counters counts_before_;
    std::int64_t numbers_end_before_ = 1;
};

} // namespace relay

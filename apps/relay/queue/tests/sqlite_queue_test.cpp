// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// The queue in a SQLite file: the suite, and what only this backend does: files that are full, damaged, somebody else's.

#include "queue_suite.hpp"
#include "scratch_directory.hpp"
#include "sqlite_database.hpp"
#include "sqlite_queue.hpp"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <exception>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace relay_test {

namespace {

namespace fs = std::filesystem;

class in_sqlite final : public backend {
public:
    weft::task<std::unique_ptr<relay::queue>> open() override
    {
        return relay::open_sqlite_queue(where_.file("relay.db"));
    }

private:
    const weft_test::scratch_directory where_;
};

/// What opening that file says.
std::string refusal(const std::string& file)
{
    std::string why;
    auto main = [&]() -> weft::task<> {
        try {
            const auto q = co_await relay::open_sqlite_queue(file);
            co_await q->close();
        } catch (const std::runtime_error& e) {
            why = e.what();
        }
    };
    weft::run(std::move(main));
    return why;
}

bool has(const std::string& text, const std::string& part)
{
    return text.find(part) != std::string::npos;
}

/// While it lives, no file of this process becomes longer: the disk's end.
class disk_end {
public:
    explicit disk_end(rlim_t bytes)
    {
        ::getrlimit(RLIMIT_FSIZE, &before_);
        rlimit limit = before_;
        limit.rlim_cur = bytes;
        ::setrlimit(RLIMIT_FSIZE, &limit);
    }
    disk_end(const disk_end&) = delete;
    disk_end& operator=(const disk_end&) = delete;
    ~disk_end() { ::setrlimit(RLIMIT_FSIZE, &before_); }

private:
    rlimit before_{};
};

/// Runs it in a process of its own, so that the disk ends for nobody else; what it said.
template <class F>
bool said_alone(F act)
{
    const pid_t child = ::fork();
    if (child == 0) {
        ::signal(SIGXFSZ, SIG_IGN);
        bool well = false;
        auto run = [&]() -> weft::task<> { well = co_await act(); };
        try {
            weft::run(std::move(run));
        } catch (const std::exception&) {
            well = false;
        }
        ::_exit(well ? 0 : 1);
    }
    int status = -1;
    ::waitpid(child, &status, 0);
    return status == 0;
}

} // namespace

std::unique_ptr<backend> make_backend()
{
    return std::make_unique<in_sqlite>();
}

} // namespace relay_test

using namespace relay_test;
using weft_test::scratch_directory;

TEST_CASE("a file that is no queue is told apart, and left as it was")
{
    const scratch_directory d;
    const std::string text = d.file("notes.txt");
    std::ofstream(text) << std::string(5000, 'x');
    CHECK(has(refusal(text), "is no SQLite database"));
    CHECK(fs::file_size(text) == 5000);

    const std::string others = d.file("others.db");
    {
        relay::sqlite::database db(others);
        db.execute("CREATE TABLE cats(name)");
    }
    CHECK(has(refusal(others), "another program's"));

    const std::string newer = d.file("newer.db");
    CHECK(refusal(newer).empty());
    relay::sqlite::database(newer).execute("PRAGMA user_version = 1000");
    CHECK(has(refusal(newer), "newer relay"));

    CHECK(has(refusal(d.file("not/there.db")), "not/there.db"));
}

TEST_CASE("a damaged file is refused, or its calls say so; nothing crashes")
{
    const scratch_directory d;
    const std::string file = d.file("relay.db");
    auto fill = [&]() -> weft::task<> {
        const auto q = co_await relay::open_sqlite_queue(file);
        for (int i = 0; i < 200; ++i) (void)co_await put(*q, a_job("a:1", std::string(500, 'b')));
        co_await q->close();
    };
    weft::run(std::move(fill));
    const auto size = fs::file_size(file);
    REQUIRE(size > 40'000);
    {
        std::fstream f(file, std::ios::in | std::ios::out | std::ios::binary);
        f.seekp(4096); // the first page, with the tables' names, stays whole
        f << std::string(size - 4096, '\x5a');
    }
    bool refused = false;
    auto use = [&]() -> weft::task<> {
        std::unique_ptr<relay::queue> q;
        try {
            q = co_await relay::open_sqlite_queue(file);
        } catch (const std::runtime_error& e) {
            refused = has(e.what(), "damaged");
            co_return;
        }
        try {
            (void)co_await reserve(*q, 10);
        } catch (const relay::queue_unavailable& e) {
            refused = true;
        }
        co_await q->close();
    };
    weft::run(std::move(use));
    CHECK(refused);
}

TEST_CASE("a second process is kept out, with a sentence that says what to do")
{
    const scratch_directory d;
    auto main = [&]() -> weft::task<> {
        const auto q = co_await relay::open_sqlite_queue(d.file("relay.db"));
        (void)co_await put(*q, a_job());
        std::string why;
        try {
            (void)co_await relay::open_sqlite_queue(d.file("relay.db"));
        } catch (const std::runtime_error& e) {
            why = e.what();
        }
        CHECK(has(why, "in use by another process"));
        CHECK(has(why, "Redis"));
        (void)co_await put(*q, a_job());
        co_await q->close();
    };
    weft::run(std::move(main));
}

TEST_CASE("a full disk: puts fail with a reason, and all goes on once there is room")
{
    const scratch_directory d;
    const auto main = [&]() -> weft::task<bool> {
        const auto q = co_await relay::open_sqlite_queue(d.file("relay.db"));
        std::vector<std::string> ids;
        ids.push_back((co_await q->put(weft::background(), a_job())).id);
        std::optional<disk_end> end(256UL * 1024);
        int failed = 0;
        bool reasoned = true;
        for (int i = 0; i < 50; ++i) {
            try {
                relay::new_job j = a_job("a:1", std::string(20'000, 'b'));
                ids.push_back((co_await q->put(weft::background(), std::move(j))).id);
            } catch (const relay::queue_unavailable& e) {
                ++failed;
                reasoned = reasoned && has(e.what(), "the queue's file");
            }
        }
        end.reset();
        bool all_there = true;
        ids.push_back((co_await q->put(weft::background(), a_job())).id);
        for (const std::string& id : ids)
            all_there = all_there && (co_await q->find(weft::background(), id)).has_value();
        const relay::queue_stats s = co_await q->stats(weft::background());
        const bool well = failed > 10 && reasoned && all_there && s.ready == ids.size();
        co_await q->close();
        co_return well;
    };
    CHECK(said_alone(main));
}

TEST_CASE("a full disk: a job whose reservation failed is reserved once there is room")
{
    const scratch_directory d;
    const auto main = [&]() -> weft::task<bool> {
        const auto q = co_await relay::open_sqlite_queue(d.file("relay.db"));
        const std::string id = (co_await q->put(weft::background(), a_job("quiet:1"))).id;
        std::optional<disk_end> end(1);
        int failed = 0;
        for (int i = 0; i < 2; ++i) {
            try {
                (void)co_await reserve(*q, 10); // all that the host has, and more
            } catch (const relay::queue_unavailable&) {
                ++failed;
            }
        }
        try { // and a host comes of which nothing is kept
            (void)co_await q->put(weft::background(), a_job("other:1"));
        } catch (const relay::queue_unavailable&) {
            ++failed;
        }
        end.reset();
        const relay::reserve_result r = co_await reserve(*q, 10);
        const bool had =
            r.jobs.size() == 1 && r.jobs[0].what.id == id && r.jobs[0].what.attempts == 1;
        const bool released = had && co_await release(*q, r.jobs[0].lease);
        const relay::reserve_result again = co_await reserve(*q, 10); // its host is known anew
        const relay::reserve_result none = co_await reserve(*q, 10);
        const relay::queue_stats s = co_await q->stats(weft::background());
        const bool well = failed == 3 && released && again.jobs.size() == 1 && none.jobs.empty() &&
                          s.ready == 0 && s.in_flight == 1;
        co_await q->close();
        co_return well;
    };
    CHECK(said_alone(main));
}

TEST_CASE("what is done is forgotten in time")
{
    const scratch_directory d;
    auto main = [&]() -> weft::task<> {
        relay::sqlite_queue_options o;
        o.keep_done = 0ms;
        const auto q = co_await relay::open_sqlite_queue(d.file("relay.db"), o);
        const std::string id = co_await put(*q, a_job());
        const relay::reserved_job j = co_await take(*q);
        CHECK(co_await ack(*q, j.lease));
        CHECK_FALSE((co_await q->find(weft::background(), id)).has_value());
        CHECK((co_await q->stats(weft::background())).done == 0);
        co_await q->close();
    };
    weft::run(std::move(main));
}

TEST_CASE("a million jobs wait in the file, not in memory" *
          doctest::skip(std::getenv("WEFT_TEST_FULL") == nullptr))
{
    const scratch_directory d;
    auto main = [&]() -> weft::task<> {
        const auto q = co_await relay::open_sqlite_queue(d.file("relay.db"));
        weft::wait_group all;
        for (int g = 0; g < 256; ++g) {
            all.go([&q, g]() -> weft::task<> {
                for (int i = 0; i < 3907; ++i) {
                    const std::string host = "host-" + std::to_string((g * 31 + i) % 1000) + ":443";
                    (void)co_await put(*q, a_job(host, std::string(200, 'b')));
                }
            });
        }
        co_await all.wait();
        const relay::queue_stats s = co_await q->stats(weft::background());
        CHECK(s.ready == 256 * 3907);
        (void)co_await reserve(*q, 64);
        std::ifstream status("/proc/self/status");
        long resident = 0;
        for (std::string line; std::getline(status, line);) {
            if (line.starts_with("VmHWM:")) resident = std::stol(line.substr(6));
        }
        MESSAGE("resident at most: " << resident / 1024 << " MiB");
        CHECK(resident < 200 * 1024);
        co_await q->close();
    };
    weft::run(std::move(main));
}

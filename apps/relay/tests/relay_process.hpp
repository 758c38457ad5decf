// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "http_peer.hpp"
#include "load.hpp"
#include "program.hpp"
#include "scratch_directory.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

/// relay as its users meet it: a process, a port, signals. The program is WEFT_RELAY.

namespace relay_test {

using nlohmann::json;

/// A directory of the test's own.
class directory : public weft_test::scratch_directory {
public:
    using scratch_directory::file;
    /// The queue's.
    [[nodiscard]] std::string file() const { return file("relay.db"); }
};

struct answer {
    int status = 0;
    json body; ///< null if it is no JSON
    std::string text;
};

class relay_process : public weft_test::program {
public:
    /// With a free port of this machine, private targets, and no access log.
    explicit relay_process(const std::string& queue, std::vector<std::string> more = {},
                           void (*before)() = nullptr);

    answer ask(std::string_view method, std::string_view path, const std::string& body = {},
               std::string_view token = {});
    /// The id of a job that is accepted.
    std::string submit(const std::string& target, const std::string& more = {});
    [[nodiscard]] json show(const std::string& id) { return ask("GET", "/jobs/" + id).body; }
    [[nodiscard]] std::string state_of(const std::string& id)
    {
        return show(id).value("state", "?");
    }
    /// Waits until the job is in that state; the test fails after twenty seconds.
    void wait_for(const std::string& id, const std::string& state);
    /// Nothing waits or is in flight.
    [[nodiscard]] bool is_idle();
    /// The value behind that name and labels in /metrics.
    double metric(const std::string& name);

private:
    std::uint16_t port_ = 0; ///< once it was asked for
};

/// Sixteen clients that give jobs for that target to it.
relay::load_result load_for(relay_process& r, const std::string& target,
                            std::chrono::milliseconds time);

/// How often what needs many rounds is done: `all` with WEFT_TEST_FULL, else a few times.
[[nodiscard]] int rounds(int all);

/// So many relays on that queue, one after the other, each killed under load within `longest`. The ids of the jobs accepted.
std::vector<std::string> killed_under_load(const std::string& queue,
                                           const std::vector<std::string>& how,
                                           const std::string& target, int times,
                                           std::chrono::milliseconds longest);

/// Waits until it is so; false: it is not, after twenty seconds.
bool eventually(const std::function<bool()>& f);

} // namespace relay_test

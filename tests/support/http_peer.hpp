// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "testing.hpp"

#include <weft/http.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// A server in the test's process, and a client of plain blocking sockets that sends what it is told to, byte by byte.

namespace weft_test {

/// A response as it came over the wire.
struct wire_response {
    int status = 0;
    std::string reason;
    std::vector<std::pair<std::string, std::string>> fields; ///< names in lower case
    std::string body;                                        ///< chunks undone
    bool chunked = false;

    [[nodiscard]] std::string field(std::string_view name) const; ///< empty: there is none
    [[nodiscard]] bool has(std::string_view name) const;
};

/// One connection. All calls block, for five seconds at most; then they throw std::runtime_error.
class wire {
public:
    explicit wire(std::uint16_t port);
    wire(wire&& o) noexcept
        : descriptor_(std::exchange(o.descriptor_, -1)), unread_(std::move(o.unread_))
    {
    }
    wire& operator=(wire&&) = delete;
    ~wire();

    wire& send(std::string_view bytes);
    /// In pieces of `size`, each in a packet of its own as far as that can be had.
    wire& send_in_pieces(std::string_view bytes, std::size_t size);
    wire& end_of_sending();
    /// Goes away with a reset instead of an orderly end.
    void reset();
    void close();

    /// The next response. @param to_head  it answers HEAD: no body follows.
    [[nodiscard]] wire_response receive(bool to_head = false);
    /// All there is until the server closes.
    [[nodiscard]] std::string receive_all();
    /// True: the server closed, and sent nothing (more) before. A reset counts as a close.
    [[nodiscard]] bool is_closed_by_server();
    /// True: nothing comes for that time.
    [[nodiscard]] bool is_silent_for(int milliseconds);

    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }

private:
    bool fill(); ///< false: the end

    int descriptor_;
    std::string unread_;
};

/// Until it holds, for five seconds at most; then the test has failed.
void wait_for(const std::function<bool()>& condition);

/// Runs a server on a runtime of its own until it goes; then checks that no goroutine is left behind.
class served {
public:
    using set_up = std::function<void(weft::http::server&)>;

    explicit served(const set_up& routes, weft::http::server_options options = {},
                    unsigned procs = 2);
    served(const served&) = delete;
    served& operator=(const served&) = delete;
    ~served();

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    [[nodiscard]] weft::http::server& server() noexcept { return server_; }
    [[nodiscard]] weft::runtime& runtime() noexcept { return runtime_; }
    [[nodiscard]] wire connect() const { return wire(port_); }
    /// Sends a whole request on a connection of its own and returns the response.
    [[nodiscard]] wire_response ask(std::string_view request, bool to_head = false) const;
    /// A GET of that target.
    [[nodiscard]] wire_response get(std::string_view target) const;
    /// Waits until no connection is open; false: some is, after five seconds.
    [[nodiscard]] bool is_left_alone() const;
    /// `server().shutdown`, with that limit. True: all was answered in time.
    bool shut_down(weft::duration limit = std::chrono::seconds(10));

private:
    weft::runtime runtime_;
    weft::http::server server_;
    std::uint16_t port_ = 0;
    std::optional<weft::join_handle<void>> serving_;
    bool ended_ = false;
};

} // namespace weft_test

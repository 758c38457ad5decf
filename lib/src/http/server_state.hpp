// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "connection.hpp"
#include "stream.hpp"

#include <weft/context.hpp>
#include <weft/detail/threads.hpp>
#include <weft/http/detail/routing.hpp>
#include <weft/http/router.hpp>
#include <weft/http/server.hpp>
#include <weft/semaphore.hpp>
#include <weft/wait_group.hpp>

#include <asio/ip/tcp.hpp>

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What a server and its goroutines share. It lives as long as any of them.

namespace weft::inline v0_1::http::detail {

/// Gives a permit back when its connection has ended, or never began.
class held_permit {
public:
    held_permit() noexcept = default;
    explicit held_permit(semaphore& s) noexcept : of_(&s) {}
    held_permit(held_permit&& o) noexcept : of_(std::exchange(o.of_, nullptr)) {}
    held_permit& operator=(held_permit&& o) noexcept
    {
        std::swap(of_, o.of_);
        return *this;
    }
    ~held_permit()
    {
        if (of_) of_->release();
    }

private:
    semaphore* of_ = nullptr;
};

class server_state : public std::enable_shared_from_this<server_state> {
public:
    explicit server_state(server_options o);
    server_state(const server_state&) = delete;
    server_state& operator=(const server_state&) = delete;
    ~server_state();

    asio::ip::tcp::endpoint listen(std::string_view address, std::shared_ptr<tls_context> tls);
    task<> serve();
    task<> shutdown(context ctx);
    void close() noexcept;
    [[nodiscard]] server_statistics statistics() const noexcept;

    // For the connections.
    [[nodiscard]] tick now() const noexcept { return now_.load(std::memory_order_relaxed); }
    /// In ticks, rounded up.
    [[nodiscard]] tick ticks(duration d) const noexcept;
    [[nodiscard]] bool is_stopping() const noexcept
    {
        return stopping_.load(std::memory_order_relaxed);
    }
    [[nodiscard]] const context& root() const noexcept { return root_.ctx; }
    void add(guarded_descriptor& d);
    void remove(guarded_descriptor& d) noexcept;

    struct counters {
        std::atomic<std::uint64_t> accepted{0}, refused{0}, requests{0}, bad_requests{0},
            timed_out{0}, panics{0};
    };

    const server_options options;
    router routes;
    counters counts;

private:
    struct listener;

    task<> accept_from(std::shared_ptr<listener> l);
    static task<> keep_house(std::shared_ptr<server_state> self);
    void accepted(listener& l, asio::ip::tcp::socket s, held_permit permit);
    static task<> serve_connection(std::shared_ptr<server_state> self,
                                   std::unique_ptr<stream> bytes, asio::ip::tcp::endpoint remote,
                                   held_permit permit);
    void stop_accepting();
    template <class Visit>
    void each(Visit visit) noexcept;

    const duration tick_length_;
    std::atomic<tick> now_{1};
    std::atomic<tick> linger_until_{0}; ///< from then on idle connections are closed; 0: not yet
    std::atomic<bool> stopping_{false}, closed_{false}, serving_{false};
    std::vector<std::shared_ptr<listener>> listeners_;
    const cancellable<cancel_function> root_;      ///< of the requests; ended by `close`
    const cancellable<cancel_function> accepting_; ///< ended by `shutdown`
    wait_group alive_;                             ///< listeners and connections
    semaphore permits_;

    mutable std::mutex mutex_;
    guarded_descriptor* first_ = nullptr; ///< all connections, under mutex_
    std::atomic<std::size_t> open_{0};
};

} // namespace weft::inline v0_1::http::detail

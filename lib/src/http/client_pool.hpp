// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "stream.hpp"

#include <weft/clock.hpp>
#include <weft/context.hpp>
#include <weft/http/client_options.hpp>
#include <weft/http/url.hpp>
#include <weft/semaphore.hpp>
#include <weft/task.hpp>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

/// The connections of a client.

namespace weft::inline v0_1::http::detail {

class client_pool : public std::enable_shared_from_this<client_pool> {
    struct idle_connection {
        std::unique_ptr<stream> bytes;
        time_point since;
    };
    /// A scheme, a host and a port. Connections in use and idle ones are never more than the permits.
    struct host {
        explicit host(std::size_t most) : slots(static_cast<std::int64_t>(most)) {}
        semaphore slots;
        std::vector<idle_connection> idle; ///< under mutex_; the one used last stands last
    };

public:
    explicit client_pool(const client_options& o) : options(o) {}
    client_pool(const client_pool&) = delete;
    client_pool& operator=(const client_pool&) = delete;

    /// One of the connections to a host, and the right to have it.
    class lease {
    public:
        lease() noexcept = default;
        /// Takes over a permit of `to`.
        lease(std::shared_ptr<client_pool> of, std::shared_ptr<host> to) noexcept
            : of_(std::move(of)), host_(std::move(to))
        {
        }
        lease(lease&&) noexcept = default;
        lease& operator=(lease o) noexcept
        {
            std::swap(of_, o.of_);
            std::swap(host_, o.host_);
            std::swap(bytes, o.bytes);
            std::swap(reused, o.reused);
            return *this;
        }
        ~lease();

        /// Keeps the connection for somebody else.
        void give_back() noexcept;

    private:
        std::shared_ptr<client_pool> of_;
        std::shared_ptr<host> host_; ///< null: it is over

    public:
        std::unique_ptr<stream> bytes;
        bool reused = false;
    };

    /// @param fresh  not one that was used before.
    [[nodiscard]] task<lease> take(context ctx, const url& to, bool fresh);
    void close_idle() noexcept;

    const client_options options;

private:
    using closing = std::vector<std::unique_ptr<stream>>; ///< closed when mutex_ is free

    [[nodiscard]] std::shared_ptr<host> host_of(const std::string& key);
    [[nodiscard]] std::unique_ptr<stream> take_idle(host& h);
    /// So that a connection in place of it is not one too many.
    void drop_oldest(host& h);
    [[nodiscard]] bool is_too_old(const idle_connection& c, time_point now) const noexcept;
    /// Under mutex_; once a second: what was idle for too long, and hosts that nobody uses.
    void tidy(time_point now, closing& old);
    task<std::unique_ptr<stream>> connect(context ctx, const url& to);
    [[nodiscard]] std::shared_ptr<tls_context> tls();

    std::mutex mutex_;
    // Under mutex_. New references to a host are made under it, too.
    std::unordered_map<std::string, std::shared_ptr<host>> hosts_;
    time_point next_tidy_{};
    std::shared_ptr<tls_context> tls_;
};

} // namespace weft::inline v0_1::http::detail

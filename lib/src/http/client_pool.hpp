// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "stream.hpp"

#include <weft/context.hpp>
#include <weft/http/client_options.hpp>
#include <weft/http/url.hpp>
#include <weft/semaphore.hpp>
#include <weft/task.hpp>

#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

/// The connections of a client.

namespace weft::http::detail {

/// Closes a descriptor's connection when a context ends, while somebody waits on it. Shared with the function that does it, which
/// may run after its owner went.
class cutter {
public:
    void guard(int descriptor) noexcept
    {
        const std::lock_guard lock(mutex_);
        descriptor_ = descriptor;
    }
    void cut() noexcept;

private:
    std::mutex mutex_;
    int descriptor_ = -1; ///< -1: none; under mutex_, as is what is done to it
};

class client_pool : public std::enable_shared_from_this<client_pool> {
public:
    explicit client_pool(const client_options& o) : options(o) {}
    client_pool(const client_pool&) = delete;
    client_pool& operator=(const client_pool&) = delete;

    /// One of the connections to a host, and the right to have it.
    class lease {
    public:
        lease() noexcept = default;
        lease(std::shared_ptr<client_pool> of, std::string key, semaphore& slots) noexcept
            : of_(std::move(of)), key_(std::move(key)), slots_(&slots)
        {
        }
        lease(lease&& o) noexcept
            : of_(std::move(o.of_)),
              key_(std::move(o.key_)),
              slots_(std::exchange(o.slots_, nullptr)),
              bytes(std::move(o.bytes)),
              reused(o.reused)
        {
        }
        lease& operator=(lease&& o) noexcept
        {
            std::swap(of_, o.of_);
            std::swap(key_, o.key_);
            std::swap(slots_, o.slots_);
            std::swap(bytes, o.bytes);
            std::swap(reused, o.reused);
            return *this;
        }
        ~lease();

        /// Keeps the connection for somebody else.
        void give_back() noexcept;

    private:
        std::shared_ptr<client_pool> of_;
        std::string key_;
        semaphore* slots_ = nullptr;

    public:
        std::unique_ptr<stream> bytes;
        bool reused = false;
    };

    /// @param fresh  not one that was used before.
    [[nodiscard]] task<lease> take(context ctx, const url& to, bool fresh);
    void close_idle() noexcept;

    const client_options options;

private:
    struct idle_connection {
        std::unique_ptr<stream> bytes;
        time_point since;
    };
    struct host {
        explicit host(std::size_t most) : slots(static_cast<std::int64_t>(most)) {}
        semaphore slots;
        std::vector<idle_connection> idle; ///< the one used last stands last
    };

    [[nodiscard]] host& host_of(const std::string& key);
    [[nodiscard]] std::unique_ptr<stream> take_idle(host& h);
    task<std::unique_ptr<stream>> connect(context ctx, const url& to);
    [[nodiscard]] std::shared_ptr<tls_context> tls();

    std::mutex mutex_;
    std::unordered_map<std::string, std::unique_ptr<host>> hosts_; ///< under mutex_; hosts stay
    std::shared_ptr<tls_context> tls_;                             ///< likewise
};

} // namespace weft::http::detail

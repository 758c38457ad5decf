// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "redis_store.hpp"

#include <spdlog/spdlog.h>

#include <array>
#include <iterator>
#include <random>
#include <string_view>
#include <utility>

#include <unistd.h>

namespace relay {

namespace {

std::string this_process()
{
    std::array<char, 256> host{};
    (void)::gethostname(host.data(), host.size() - 1);
    return std::string(host.data()) + "-" + std::to_string(::getpid());
}

std::string random_id()
{
    constexpr std::string_view digits = "abcdefghijklmnopqrstuvwxyz234567";
    std::random_device random;
    std::string id;
    for (int i = 0; i < 8; ++i) id += digits[random() % digits.size()];
    return id;
}

/// A Redis that makes room by itself does so with jobs. INFO, because providers forbid CONFIG.
weft::task<> refuse_eviction(weft::context ctx, const redis_store& s)
{
    redis_store::texts question{"INFO", "memory"};
    redis_value v = co_await s.redis->command(ctx, std::move(question));
    if (const std::string* e = v.error_text()) {
        spdlog::warn("queue: {} does not tell its maxmemory-policy, which must be noeviction: {}",
                     s.url.where(), *e);
        co_return;
    }
    const std::string_view memory = v.string();
    const std::string_view limit = info_value(memory, "maxmemory");
    const std::string_view policy = info_value(memory, "maxmemory_policy");
    if (limit.empty() || limit == "0" || policy.empty() || policy == "noeviction") co_return;
    throw queue_unavailable("redis: " + s.url.where() + ": its maxmemory-policy is " +
                            std::string(policy) +
                            ", by which it drops jobs when its memory is full; it must be "
                            "noeviction");
}

} // namespace

weft::task<std::shared_ptr<redis_store>> redis_store::open(weft::context ctx, std::string url,
                                                           redis_queue_options o)
{
    const redis_url to = parse_redis_url(url);
    if (o.worker.empty()) o.worker = this_process();
    const std::string meta = "{" + to.queue + "}:meta";
    std::shared_ptr<redis_store> store(new redis_store{to, o, meta, random_id(), {}, nullptr});
    redis_connection_options c;
    c.patience = o.patience;
    c.writable = meta;
    store->redis = co_await redis_connection::open(ctx, to, std::move(c));
    co_await refuse_eviction(ctx, *store);
    redis_scripts& s = store->scripts;
    const std::array all{&s.put,  &s.hosts, &s.take,  &s.extend, &s.ack,  &s.release,
                         &s.bury, &s.kick,  &s.stats, &s.find,   &s.list, &s.look};
    for (redis_script* one : all) {
        texts load{"SCRIPT", "LOAD", one->text};
        redis_value v = co_await store->redis->command(ctx, std::move(load));
        if (const std::string* e = v.error_text())
            throw queue_unavailable("redis: " + to.where() + ": " + *e);
        one->sha = std::move(v.string());
    }
    co_return store;
}

weft::task<redis_value> redis_store::run(weft::context ctx, const redis_script& s, texts arguments)
{
    texts command{"EVALSHA", s.sha, "1", meta};
    command.insert(command.end(), arguments.begin(), arguments.end());
    redis_value v = co_await redis->command(ctx, std::move(command));
    if (const std::string* e = v.error_text(); e && e->starts_with("NOSCRIPT")) {
        texts whole{"EVAL", s.text, "1", meta};
        whole.insert(whole.end(), std::make_move_iterator(arguments.begin()),
                     std::make_move_iterator(arguments.end()));
        v = co_await redis->command(ctx, std::move(whole));
    }
    if (const std::string* e = v.error_text())
        throw queue_unavailable("redis: " + url.where() + ": " + *e);
    co_return v;
}

weft::task<redis_watch::found> redis_store::look(std::shared_ptr<redis_store> self,
                                                 weft::context ctx)
{
    redis_value v = co_await self->run(ctx, self->scripts.look, self->keep_times());
    redis_watch::found f;
    f.ready = v.at(0).number() > 0;
    if (const std::int64_t ms = v.at(1).number(); ms >= 0) f.next = std::chrono::milliseconds(ms);
    co_return f;
}

} // namespace relay

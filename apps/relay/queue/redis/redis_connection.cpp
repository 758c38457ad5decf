// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "redis_connection.hpp"

#include "redis_wire.hpp"

#include <asio/deferred.hpp>
#include <asio/ip/address.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/system_error.hpp>

#include <algorithm>
#include <exception>
#include <mutex>
#include <optional>
#include <utility>

namespace relay {

namespace {

/// "NOAUTH", "ERR": the word before the text, which may repeat what was sent.
std::string code_of(const std::string& error)
{
    std::string code = error.substr(0, error.find(' '));
    const bool good =
        std::all_of(code.begin(), code.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
    return good ? code : "ERR";
}

/// What a replica answers. Before Redis 7, that a script could not write stands in the middle of the text.
bool is_of_replica(std::string_view error)
{
    return error.starts_with("READONLY ") || error.starts_with("MASTERDOWN ") ||
           (error.starts_with("ERR Error running script") &&
            error.find(": -READONLY ") != error.npos);
}

} // namespace

struct redis_connection::state : std::enable_shared_from_this<state> {
    state(redis_url u, redis_connection_options o)
        : to(std::move(u)), options(std::move(o)), life(weft::with_cancel(weft::background()))
    {
    }

    [[noreturn]] void fail(const std::string& reason) const
    {
        throw queue_unavailable("redis: " + to.where() + ": " + reason);
    }

    const redis_url to;
    const redis_connection_options options;
    weft::cancellable<weft::cancel_function> life; ///< of the goroutine that keeps it
    weft::event over;                              ///< that one has gone

    std::mutex mutex;
    std::shared_ptr<redis_wire> wire;      ///< guarded by mutex; null: there is no connection
    std::string why = "not yet connected"; ///< guarded by mutex; there is none

    weft::task<std::vector<std::string>> addresses(weft::context ctx);
    weft::task<redis_value> ask(weft::context ctx, std::shared_ptr<redis_wire> w,
                                std::vector<std::string> arguments);
    weft::task<std::shared_ptr<redis_wire>> connect(weft::context ctx);
    weft::task<std::shared_ptr<redis_wire>> connect_to(weft::context ctx, std::string address);
    weft::task<> greet(weft::context ctx, std::shared_ptr<redis_wire> w);
    weft::task<> attend(std::shared_ptr<redis_wire> w);
    weft::task<std::shared_ptr<redis_wire>> connect_again();
    static weft::task<> keep(std::shared_ptr<state> self, std::shared_ptr<redis_wire> first);

    void now_is(std::shared_ptr<redis_wire> w, std::string reason)
    {
        const std::lock_guard lock(mutex);
        wire = std::move(w);
        why = std::move(reason);
    }
};

// ---------------------------------------------------------------- connecting

/// hiredis would look the name up, and block.
weft::task<std::vector<std::string>> redis_connection::state::addresses(weft::context ctx)
{
    std::vector<std::string> all;
    asio::error_code no_address;
    static_cast<void>(asio::ip::make_address(to.host, no_address));
    if (!no_address) {
        all.push_back(to.host);
        co_return all;
    }
    asio::ip::tcp::resolver resolver(weft::this_goroutine::get_executor());
    weft::pending query(resolver.async_resolve(to.host, std::to_string(to.port),
                                               asio::ip::tcp::resolver::numeric_service,
                                               asio::deferred));
    co_await query.done(ctx);
    try {
        for (const auto& found : query.result())
            all.push_back(found.endpoint().address().to_string());
    } catch (const asio::system_error& e) {
        fail(e.code().message());
    }
    co_return all;
}

weft::task<redis_value> redis_connection::state::ask(weft::context ctx,
                                                     std::shared_ptr<redis_wire> w,
                                                     std::vector<std::string> arguments)
{
    redis_wire::answer answer = w->command(std::move(arguments));
    std::optional<redis_wire::outcome> o = co_await answer.receive(ctx);
    if (!o) fail("the runtime ended");
    if (const auto* b = std::get_if<redis_wire::broken>(&*o)) fail(b->why);
    redis_value v = std::get<redis_value>(std::move(*o));
    if (const std::string* e = v.error_text(); e && is_of_replica(*e)) w->break_off(*e);
    co_return v;
}

/// What is on the other side, and is it ready for us?
weft::task<> redis_connection::state::greet(weft::context ctx, std::shared_ptr<redis_wire> w)
{
    if (!to.password.empty()) {
        std::vector<std::string> auth{"AUTH"};
        if (!to.user.empty()) auth.push_back(to.user);
        auth.push_back(to.password);
        const redis_value v = co_await ask(ctx, w, std::move(auth));
        if (const std::string* e = v.error_text())
            fail("the password was refused (" + code_of(*e) + ")");
    }
    if (to.database != 0) {
        std::vector<std::string> select{"SELECT", std::to_string(to.database)};
        const redis_value v = co_await ask(ctx, w, std::move(select));
        if (const std::string* e = v.error_text()) fail(*e);
    }
    std::vector<std::string> ping{"PING"};
    const redis_value v = co_await ask(ctx, w, std::move(ping));
    if (const std::string* e = v.error_text()) fail(*e);
    const auto* pong = std::get_if<std::string>(&v.data);
    if (!pong || *pong != "PONG") fail("this is no Redis");
    if (options.writable.empty()) co_return;
    std::vector<std::string> nothing{"HDEL", options.writable, "-"};
    const redis_value written = co_await ask(ctx, w, std::move(nothing));
    // Other errors (a full disk's) may pass, and leave what only reads.
    if (const std::string* e = written.error_text(); e && is_of_replica(*e)) fail(*e);
}

weft::task<std::shared_ptr<redis_wire>> redis_connection::state::connect_to(weft::context ctx,
                                                                            std::string address)
{
    const auto limit = weft::with_timeout(ctx, options.patience);
    std::shared_ptr<redis_wire> w =
        redis_wire::connect(weft::this_goroutine::get_executor(), std::move(address), to.port);
    std::exception_ptr failure;
    try {
        co_await greet(limit.ctx, w);
    } catch (const weft::error&) {
        failure = std::current_exception();
    } catch (const queue_unavailable&) {
        failure = std::current_exception();
    }
    if (!failure) co_return w;
    w->break_off("given up");
    co_await w->ended().wait();
    if (!ctx.err() && limit.ctx.err()) fail("no answer");
    std::rethrow_exception(failure);
}

/// To the first of the addresses that works.
weft::task<std::shared_ptr<redis_wire>> redis_connection::state::connect(weft::context ctx)
{
    std::exception_ptr first;
    const std::vector<std::string> where = co_await addresses(ctx);
    for (const std::string& address : where) {
        try {
            co_return co_await connect_to(ctx, address);
        } catch (const queue_unavailable&) {
            if (!first) first = std::current_exception();
        }
    }
    if (!first) fail("the name has no address");
    std::rethrow_exception(first);
}

/// Until it works; null: the end.
weft::task<std::shared_ptr<redis_wire>> redis_connection::state::connect_again()
{
    weft::backoff_sequence pauses(options.pauses);
    while (!life.ctx.err()) {
        try {
            co_return co_await connect(life.ctx);
        } catch (const weft::error&) { // the end, or the runtime's
            break;
        } catch (const queue_unavailable& e) {
            const std::string prefix = "redis: " + to.where() + ": ";
            now_is(nullptr, std::string(e.what()).substr(prefix.size()));
        }
        const weft::duration pause = pauses.next().value_or(options.pauses.max);
        const auto waited = co_await weft::select{life.ctx.done(), weft::after(pause)};
        static_cast<void>(waited);
    }
    co_return nullptr;
}

/// Until it breaks, or the end comes. A connection that does not answer is broken.
weft::task<> redis_connection::state::attend(std::shared_ptr<redis_wire> w)
{
    if (!options.channel.empty()) w->subscribe(options.channel, options.subscribed, options.heard);
    while (true) {
        const auto s = co_await weft::select{life.ctx.done(), w->ended().wait(),
                                             weft::after(options.patience / 2)};
        if (s.index() == 0) {
            w->break_off("closed");
            break;
        }
        if (s.index() == 1) break;
        if (!options.channel.empty()) continue;
        const auto limit = weft::with_timeout(life.ctx, options.patience);
        try {
            std::vector<std::string> ping{"PING"};
            co_await ask(limit.ctx, w, std::move(ping));
        } catch (const weft::error&) {
            if (!life.ctx.err()) w->break_off("no answer");
        } catch (const queue_unavailable&) { // `ended` comes
        }
    }
    co_await w->ended().wait();
}

weft::task<> redis_connection::state::keep(std::shared_ptr<state> self,
                                           std::shared_ptr<redis_wire> first)
{
    std::shared_ptr<redis_wire> w = std::move(first);
    if (!w) w = co_await self->connect_again();
    while (w) {
        self->now_is(w, "");
        co_await self->attend(w);
        self->now_is(nullptr, w->why());
        w.reset();
        w = co_await self->connect_again();
    }
    self->now_is(nullptr, "closed");
    self->over.set();
}

// ---------------------------------------------------------------- the outside

weft::task<std::unique_ptr<redis_connection>>
redis_connection::open(weft::context ctx, redis_url to, redis_connection_options o)
{
    auto s = std::make_shared<state>(std::move(to), std::move(o));
    std::shared_ptr<redis_wire> w = co_await s->connect(ctx);
    s->now_is(w, "");
    auto c = std::unique_ptr<redis_connection>(new redis_connection(s));
    weft::go(&state::keep, s, std::move(w));
    co_return c;
}

redis_connection::redis_connection(std::shared_ptr<state> s) : state_(std::move(s)) {}

redis_connection::redis_connection(const weft::executor& ex, redis_url to,
                                   redis_connection_options o)
    : redis_connection(std::make_shared<state>(std::move(to), std::move(o)))
{
    weft::go(ex, &state::keep, state_, std::shared_ptr<redis_wire>());
}

redis_connection::~redis_connection()
{
    state_->life.cancel();
}

weft::task<redis_value> redis_connection::command(weft::context ctx,
                                                  std::vector<std::string> arguments)
{
    const std::shared_ptr<state> s = state_;
    ctx.throw_if_done();
    std::shared_ptr<redis_wire> w;
    std::string why;
    {
        const std::lock_guard lock(s->mutex);
        w = s->wire;
        if (!w) why = s->why;
    }
    if (!w) s->fail(why);
    co_return co_await s->ask(ctx, std::move(w), std::move(arguments));
}

weft::task<> redis_connection::close()
{
    const std::shared_ptr<state> s = state_;
    s->life.cancel();
    co_await s->over.wait();
}

} // namespace relay

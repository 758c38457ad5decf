// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "service.hpp"

#include "api.hpp"
#include "board.hpp"
#include "sqlite_queue.hpp"
#include "tokens.hpp"
#if defined(WEFT_RELAY_REDIS)
#    include "redis_queue.hpp"
#endif

#include <weft/http.hpp>
#include <weft/http/debug_handler.hpp>

#include <spdlog/spdlog.h>

#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace relay {

namespace {

namespace http = weft::http;
using namespace std::chrono_literals;

std::string default_file()
{
    namespace fs = std::filesystem;
    const auto variable = [](const char* name) -> std::string {
        const char* const value = std::getenv(name);
        return value == nullptr ? "" : value;
    };
    fs::path directory = variable("STATE_DIRECTORY"); // of systemd
    if (directory.empty()) {
        const std::string state = variable("XDG_STATE_HOME");
        const std::string home = variable("HOME");
        if (state.empty() && home.empty())
            throw std::runtime_error(
                "there is no $HOME for the queue's file: name one with --queue");
        directory =
            (state.empty() ? fs::path(home) / ".local" / "state" : fs::path(state)) / "weft-relay";
    }
    std::error_code ec;
    fs::create_directories(directory, ec);
    if (ec) throw std::runtime_error(directory.string() + ": " + ec.message());
    return (directory / "relay.db").string();
}

weft::task<std::unique_ptr<queue>> open_queue(weft::context ctx, const options& o)
{
    // There may be a password in it: it is not repeated.
    if (o.queue.find("://") != std::string::npos && !o.queue.starts_with("redis://"))
        throw std::runtime_error("--queue is neither a file nor redis://HOST...: "
                                 "no other kind of URL is known, nor TLS to a Redis");
    if (o.queue.starts_with("redis:")) {
#if defined(WEFT_RELAY_REDIS)
        redis_queue_options how;
        how.keep_done = o.keep_done;
        how.worker = o.work.name;
        std::unique_ptr<queue> q = co_await open_redis_queue(ctx, o.queue, how);
        spdlog::info("the queue is in a Redis");
        co_return q;
#else
        throw std::runtime_error("this relay was built without Redis");
#endif
    }
    const std::string file = o.queue.empty() ? default_file() : o.queue;
    sqlite_queue_options how;
    how.keep_done = o.keep_done;
    std::unique_ptr<queue> q = co_await open_sqlite_queue(file, how);
    spdlog::info("the queue is {}", file);
    co_return q;
}

std::string own_name()
{
    std::array<char, 256> host{};
    if (::gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
    return std::string(host.data()) + ':' + std::to_string(::getpid());
}

http::server_options settings(const options& o)
{
    http::server_options s;
    s.max_connections = o.max_connections;
    s.handler_timeout = 10s;
    s.shutdown_grace = o.work.drain + 5s;
    s.server_name = "weft-relay";
    if (!o.quiet) {
        s.on_response = [](const http::request& req, const http::response& res,
                           weft::duration took) {
            // As it was sent, without the query and headers: there may be secrets in them.
            spdlog::info("{} {} {} {} {:.3f}ms", req.remote_endpoint().address().to_string(),
                         req.method(), req.raw_path(), code(res.status()),
                         std::chrono::duration<double, std::milli>(took).count());
        };
    }
    return s;
}

std::vector<std::string> lines_of(const std::string& file)
{
    return file.empty() ? std::vector<std::string>() : read_lines(file);
}

/// Everything that lives as long as relay does.
struct service {
    service(const options& o, std::unique_ptr<queue> q)
        : jobs(std::move(q)),
          all_hosts(o.host),
          posts(o.deliver, signer(lines_of(o.signing_keys_file))),
          known(lines_of(o.tokens_file), o.token_rate),
          server(settings(o)),
          intake(*jobs, counted, o.limits)
    {
        if (o.role != role::serve) works.emplace(*jobs, posts, all_hosts, counted, o.work);
        shown.emplace(*jobs, counted, all_hosts, works ? &*works : nullptr);
    }

    std::unique_ptr<queue> jobs;
    counts counted;
    hosts all_hosts;
    deliverer posts;
    tokens known;
    std::string local_name; ///< what is asked for by another name, without tokens, is refused
    http::server server;
    api intake;
    std::optional<worker> works;
    std::optional<board> shown;
};

void listen(service& s, const options& o)
{
    s.server.use([&s](http::handler next) { return s.intake.with_json_errors(std::move(next)); });
    s.server.use(
        [&s](http::handler next) { return api::from_here(std::move(next), s.local_name); });
    s.server.use([&s](http::handler next) { return s.known.guarded(std::move(next)); });
    s.shown->add_routes(s.server);
    if (o.role != role::work) s.intake.add_routes(s.server);
    const bool safe = !o.certificate.empty();
    asio::ip::tcp::endpoint at;
    if (safe) {
        const http::tls_options tls{.certificate_file = o.certificate, .key_file = o.key};
        at = s.server.listen_tls(o.listen, tls);
    } else {
        at = s.server.listen(o.listen);
    }
    if (!at.address().is_loopback() && s.known.empty() && !o.open)
        throw std::runtime_error(o.listen +
                                 " can be reached by others: give them tokens (--tokens FILE), "
                                 "or say --open to let everybody in");
    if (at.address().is_loopback() && s.known.empty())
        s.local_name = o.listen.substr(0, o.listen.rfind(':'));
    const std::string host =
        at.address().is_v6() ? '[' + at.address().to_string() + ']' : at.address().to_string();
    spdlog::info("listening on {}://{}:{}", safe ? "https" : "http", host, at.port());
}

weft::task<> work_and_end(service& s, weft::context ctx, weft::cancel_function board_ends)
{
    if (s.works) {
        co_await s.works->run(ctx);
    } else {
        co_await ctx.done();
    }
    board_ends();
}

/// The program's inside, on an address of its own, until `ctx` ends. If that fails, all of relay ends.
weft::task<> show_inside(weft::context ctx, std::string address, weft::cancel_function all_ends)
{
    weft::debug::debug_server_options how;
    how.on_listen = [](const asio::ip::tcp::endpoint& at) {
        std::ostringstream url;
        url << "http://" << at << "/debug/";
        spdlog::info("inside: {}", url.str());
    };
    try {
        co_await weft::debug::serve(ctx, std::move(address), how);
    } catch (...) {
        all_ends();
        throw;
    }
}

/// Until `ctx` ends and all is settled, or a server fails: with what it threw.
weft::task<std::exception_ptr> run(service& s, weft::context ctx, const options& o)
{
    const auto life = weft::with_cancel(ctx);
    const auto watched = weft::with_cancel(weft::without_cancel(ctx));
    auto shown = weft::spawn(&board::run, &*s.shown, watched.ctx);
    auto worked = weft::spawn(work_and_end, std::ref(s), life.ctx, watched.cancel);
    auto told = weft::spawn([&s, ends = life.ctx]() -> weft::task<> {
        co_await ends.done();
        spdlog::info("ending: {} deliveries under way", s.counted.in_flight.load());
        s.shown->set_draining();
    });
    std::optional<weft::join_handle<void>> inside;
    if (!o.debug.empty()) inside.emplace(weft::spawn(show_inside, life.ctx, o.debug, life.cancel));
    std::exception_ptr failure;
    try {
        if (!o.listen.empty()) co_await s.server.serve(life.ctx);
    } catch (...) {
        failure = std::current_exception();
        life.cancel();
    }
    try {
        if (inside) co_await inside->join();
    } catch (...) {
        if (!failure) failure = std::current_exception();
    }
    co_await worked.join();
    co_await told.join();
    co_await shown.join();
    co_return failure;
}

} // namespace

weft::task<> serve(options o, weft::context ctx)
{
    if (o.work.name.empty()) o.work.name = own_name();
    // What can be wrong with the other settings is found before a file is made.
    static_cast<void>(signer(lines_of(o.signing_keys_file)));
    static_cast<void>(tokens(lines_of(o.tokens_file), o.token_rate));
    service s(o, co_await open_queue(ctx, o));
    std::exception_ptr failure;
    try {
        if (!o.listen.empty()) listen(s, o);
    } catch (...) {
        failure = std::current_exception();
    }
    if (!failure) failure = co_await run(s, ctx, o);
    co_await s.jobs->close();
    if (failure) std::rethrow_exception(failure);
    spdlog::info("all is in the queue; bye");
}

} // namespace relay

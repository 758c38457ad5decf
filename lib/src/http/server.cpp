// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include <weft/http/server.hpp>

#include "server_state.hpp"

#include <weft/join_handle.hpp>
#include <weft/select.hpp>
#include <weft/shield.hpp>

#include <utility>

namespace weft::inline v0_1::http {

namespace {

task<> drain(std::shared_ptr<detail::server_state> state)
{
    const duration grace = state->options.shutdown_grace;
    const auto limit =
        grace > duration::zero() ? with_timeout(background(), grace) : with_cancel(background());
    try {
        co_await state->shutdown(limit.ctx);
    } catch (const weft::error&) {
        state->close();
    }
}

} // namespace

server::server(server_options options)
    : state_(std::make_shared<detail::server_state>(std::move(options)))
{
}

server::~server()
{
    close();
}

server& server::handle(std::string_view pattern, handler h, route_options options)
{
    state_->routes.handle(pattern, std::move(h), options);
    return *this;
}

server& server::use(middleware m)
{
    state_->routes.use(std::move(m));
    return *this;
}

asio::ip::tcp::endpoint server::listen(std::string_view address)
{
    return state_->listen(address, nullptr);
}

asio::ip::tcp::endpoint server::listen_tls(std::string_view address, const tls_options& tls)
{
    return state_->listen(address, detail::make_server_tls(tls));
}

task<> server::serve()
{
    const auto state = state_;
    co_await state->serve();
}

task<> server::serve(context ctx)
{
    const auto state = state_;
    auto body = [](std::shared_ptr<detail::server_state> s) -> task<> { co_await s->serve(); };
    auto serving = spawn(body, state);
    const auto first = co_await select{serving.join(), ctx.done()};
    if (first.index() == 0) co_return;
    // The caller may be bound to the very context that has ended.
    co_await shield(drain(state));
    co_await shield(serving.join());
}

task<> server::shutdown(context ctx)
{
    const auto state = state_;
    co_await state->shutdown(std::move(ctx));
}

void server::close() noexcept
{
    state_->close();
}

server_statistics server::statistics() const noexcept
{
    return state_->statistics();
}

} // namespace weft::inline v0_1::http

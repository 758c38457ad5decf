// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "relay_process.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <random>
#include <thread>
#include <utility>

namespace relay_test {

using namespace std::chrono_literals;

namespace {

std::vector<std::string> arguments(const std::string& queue, std::vector<std::string> more)
{
    std::vector<std::string> all{"--queue",         queue,    "--listen", "127.0.0.1:0",
                                 "--allow-private", "--quiet"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
}

} // namespace

relay_process::relay_process(const std::string& queue, std::vector<std::string> more,
                             void (*before)())
    : program(WEFT_RELAY, arguments(queue, std::move(more)), before)
{
}

answer relay_process::ask(std::string_view method, std::string_view path, const std::string& body,
                          std::string_view token)
{
    if (port_ == 0) port_ = port();
    std::string text = std::string(method) + ' ' + std::string(path) +
                       " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
    if (!token.empty()) text += "Authorization: Bearer " + std::string(token) + "\r\n";
    if (!body.empty()) text += "Content-Type: application/json\r\n";
    if (method == "POST") text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    const weft_test::wire_response r = weft_test::wire(port_).send(text + "\r\n" + body).receive();
    answer a;
    a.status = r.status;
    a.text = r.body;
    a.body = json::parse(r.body, nullptr, false);
    if (a.body.is_discarded()) a.body = nullptr;
    return a;
}

std::string relay_process::submit(const std::string& target, const std::string& more)
{
    const answer a = ask("POST", "/jobs",
                         R"({"target":")" + target + '"' + (more.empty() ? "" : ",") + more + '}');
    REQUIRE_MESSAGE(a.status == 202, a.text);
    return a.body.at("id").get<std::string>();
}

void relay_process::wait_for(const std::string& id, const std::string& state)
{
    const bool came = eventually([&] { return state_of(id) == state; });
    REQUIRE_MESSAGE(came, "the job is not " << state << ": " << show(id).dump() << printed());
}

bool relay_process::is_idle()
{
    const answer a = ask("GET", "/stats");
    if (a.status != 200) return false;
    return a.body["ready"] == 0 && a.body["delayed"] == 0 && a.body["in_flight"] == 0;
}

double relay_process::metric(const std::string& name)
{
    const std::string text = '\n' + ask("GET", "/metrics").text;
    const std::size_t at = text.find('\n' + name + ' ');
    REQUIRE_MESSAGE(at != std::string::npos, "there is no metric " << name);
    return std::stod(text.substr(at + name.size() + 2));
}

relay::load_result load_for(relay_process& r, const std::string& target,
                            std::chrono::milliseconds time)
{
    relay::load_result result;
    const std::string server = "http://127.0.0.1:" + std::to_string(r.port());
    auto program = [&](weft::context ctx) -> weft::task<> {
        relay::load_options o;
        o.server = server;
        o.targets = {target};
        o.clients = 16;
        o.time = time;
        result = co_await relay::give_jobs(ctx, o);
    };
    weft::run(program, weft::runtime_options{.procs = 1});
    return result;
}

int rounds(int all)
{
    return std::getenv("WEFT_TEST_FULL") != nullptr ? all : 4;
}

std::vector<std::string> killed_under_load(const std::string& queue,
                                           const std::vector<std::string>& how,
                                           const std::string& target, int times,
                                           std::chrono::milliseconds longest)
{
    std::vector<std::string> accepted;
    std::mt19937 random(std::random_device{}());
    for (int i = 0; i < times; ++i) {
        relay_process r(queue, how);
        static_cast<void>(r.port()); // it is up
        const auto moment =
            50ms + std::chrono::milliseconds(random() % static_cast<unsigned>(longest.count()));
        std::thread killer([&] {
            std::this_thread::sleep_for(moment);
            r.signal(SIGKILL);
        });
        const relay::load_result jobs = load_for(r, target, moment + 30ms);
        killer.join();
        CHECK(r.wait() == 128 + SIGKILL);
        accepted.insert(accepted.end(), jobs.ids.begin(), jobs.ids.end());
    }
    return accepted;
}

bool eventually(const std::function<bool()>& f)
{
    const auto end = std::chrono::steady_clock::now() + 20s;
    while (!f()) {
        if (std::chrono::steady_clock::now() > end) return false;
        std::this_thread::sleep_for(10ms);
    }
    return true;
}

} // namespace relay_test

// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "options.hpp"

#include <CLI/CLI.hpp>

namespace httpd {

command_line read_options(int argc, char** argv)
{
    command_line line;
    options& o = line.chosen;
    CLI::App app(
        "httpd: a sample HTTP server on weft. It serves a JSON API for notes, events, static "
        "files,\n"
        "metrics, a health check and, to this machine alone, /debug/: the program's inside; SIGINT "
        "and SIGTERM end it once all requests are answered.",
        "httpd");
    app.set_version_flag("--version", "httpd 0.1.0");
    app.add_option("-l,--listen", o.listen, "HOST:PORT to listen on; port 0: a free one")
        ->capture_default_str();
    auto* tls = app.add_option("--listen-tls", o.listen_tls, "HOST:PORT for TLS, beside the other");
    auto* certificate = app.add_option("--cert", o.certificate, "certificate chain, a PEM file")
                            ->check(CLI::ExistingFile);
    auto* key = app.add_option("--key", o.key, "private key, a PEM file")->check(CLI::ExistingFile);
    tls->needs(certificate)->needs(key);
    app.add_option("-d,--root", o.root, "directory of the files below /static/")
        ->check(CLI::ExistingDirectory);
    app.add_option("-p,--procs", o.procs, "worker threads; 0: one per processor")
        ->capture_default_str();
    app.add_option("-r,--rate", o.rate, "requests per second allowed to one client; 0: any number")
        ->check(CLI::NonNegativeNumber)
        ->capture_default_str();
    app.add_option("-b,--burst", o.burst, "requests a client may send at once")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
    auto milliseconds = [](std::chrono::milliseconds& into) {
        return [&into](const long& n) { into = std::chrono::milliseconds(n); };
    };
    app.add_option_function<long>("--handler-timeout", milliseconds(o.handler_timeout),
                                  "milliseconds for one request (default 2000)")
        ->check(CLI::PositiveNumber);
    app.add_option_function<long>(
           "--grace", milliseconds(o.grace),
           "milliseconds for requests in flight when it ends (default 10000)")
        ->check(CLI::NonNegativeNumber);
    app.add_option_function<long>(
           "--linger", milliseconds(o.linger),
           "milliseconds for idle clients to send another request when it ends (default 250)")
        ->check(CLI::NonNegativeNumber);
    app.add_option("--max-connections", o.max_connections,
                   "connections at a time; more have to wait")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
    app.add_flag("-q,--quiet", o.quiet, "no access log");
    app.add_flag("--debug-for-all", o.debug_for_all,
                 "show /debug/ to everybody, not only to this machine");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        // Usage errors are 2, as everywhere; CLI11 has a number of its own for each kind.
        line.exit_status = app.exit(e) == 0 ? 0 : 2;
    }
    return line;
}

} // namespace httpd

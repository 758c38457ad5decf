// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "options.hpp"

#include "duration_text.hpp"

#include <CLI/CLI.hpp>

#include <cstdlib>
#include <stdexcept>

namespace relay {

namespace {

using std::chrono::milliseconds;

/// An option that is a duration, as "10s".
CLI::Option* add_duration(CLI::App& app, const std::string& name, milliseconds& into,
                          const std::string& help, milliseconds least = milliseconds(1))
{
    const auto set = [&into, name, least](const std::string& text) {
        try {
            const milliseconds d = parse_duration(text);
            if (d < least)
                throw std::invalid_argument("it must be at least " + duration_text(least));
            into = d;
        } catch (const std::invalid_argument& e) {
            throw CLI::ValidationError(name, e.what());
        }
    };
    return app.add_option_function<std::string>(name, set,
                                                help + " (default " + duration_text(into) + ")");
}

void add_queue(CLI::App& app, options& o)
{
    app.add_option("--queue", o.queue,
                   "where jobs are kept: a file, or redis://HOST:PORT/NAME\n"
                   "(default: relay.db in $STATE_DIRECTORY, else in ~/.local/state/weft-relay)")
        ->group("Queue");
    add_duration(app, "--keep-done", o.keep_done, "how long delivered jobs can be looked at",
                 milliseconds(0))
        ->group("Queue");
}

void add_serve(CLI::App& app, options& o)
{
    app.add_option("-l,--listen", o.listen, "HOST:PORT for HTTP; port 0: a free one; none: \"\"")
        ->capture_default_str()
        ->group("HTTP");
    auto* cert = app.add_option("--cert", o.certificate, "certificate chain, a PEM file: TLS")
                     ->check(CLI::ExistingFile)
                     ->group("HTTP");
    auto* key = app.add_option("--key", o.key, "private key, a PEM file")
                    ->check(CLI::ExistingFile)
                    ->group("HTTP");
    cert->needs(key);
    key->needs(cert);
    app.add_option("--tokens", o.tokens_file,
                   "file of API tokens: a name and a secret in each line")
        ->check(CLI::ExistingFile)
        ->group("HTTP");
    app.add_option("--token-rate", o.token_rate,
                   "requests per second allowed to each token; 0: any number")
        ->check(CLI::NonNegativeNumber)
        ->group("HTTP");
    app.add_flag("--open", o.open, "listen to the world without tokens")->group("HTTP");
    app.add_option("--max-body", o.limits.body_bytes, "bytes of a job's body")
        ->check(CLI::Range(1UL, 64UL * 1024 * 1024))
        ->capture_default_str()
        ->group("HTTP");
    app.add_option("--max-connections", o.max_connections,
                   "connections at a time; more have to wait")
        ->check(CLI::PositiveNumber)
        ->capture_default_str()
        ->group("HTTP");
    app.add_option("--debug", o.debug,
                   "HOST:PORT, of this machine alone, for /debug/: the program's inside")
        ->group("HTTP");
    app.add_option("--max-attempts", o.limits.max_attempts,
                   "attempts at a job that says nothing else")
        ->check(CLI::Range(1, 1000))
        ->capture_default_str()
        ->group("HTTP");
}

void add_work(CLI::App& app, options& o)
{
    app.add_option("--concurrency", o.work.concurrency, "deliveries at a time")
        ->check(CLI::Range(1UL, 100'000UL))
        ->capture_default_str()
        ->group("Delivery");
    app.add_option("--host-concurrency", o.host.concurrency, "deliveries to one host at a time")
        ->check(CLI::Range(1UL, 10'000UL))
        ->capture_default_str()
        ->group("Delivery");
    app.add_option("--host-rate", o.host.rate, "deliveries per second to one host; 0: any number")
        ->check(CLI::NonNegativeNumber)
        ->group("Delivery");
    app.add_option("--host-burst", o.host.burst, "of these, at once")
        ->check(CLI::Range(1, 1'000'000))
        ->capture_default_str()
        ->group("Delivery");
    app.add_option("--breaker-failures", o.host.failures_to_open,
                   "failures in a row after which a host is left alone")
        ->check(CLI::Range(1, 1'000'000))
        ->capture_default_str()
        ->group("Delivery");
    add_duration(app, "--breaker-pause", o.host.open_for,
                 "for how long, at first; then twice as long")
        ->group("Delivery");
    add_duration(app, "--breaker-pause-max", o.host.open_for_most, "at most")->group("Delivery");
    add_duration(app, "--timeout", o.deliver.timeout, "time for an attempt")->group("Delivery");
    add_duration(app, "--connect-timeout", o.deliver.connect_timeout,
                 "of these, for the connection")
        ->group("Delivery");
    const auto pause = [&app](const std::string& name, weft::duration& into,
                              const std::string& help) {
        app.add_option_function<std::string>(
               name,
               [&into, name](const std::string& text) {
                   try {
                       into = parse_duration(text);
                   } catch (const std::invalid_argument& e) {
                       throw CLI::ValidationError(name, e.what());
                   }
               },
               help + " (default " + duration_text(std::chrono::ceil<milliseconds>(into)) + ")")
            ->group("Delivery");
    };
    pause("--retry-pause", o.work.retry.initial,
          "before the second attempt, about; then longer and longer");
    pause("--retry-pause-max", o.work.retry.max, "at most");
    add_duration(app, "--lease", o.work.lease,
                 "after which a job is taken from a worker that is lost", milliseconds(100))
        ->group("Delivery");
    add_duration(app, "--drain-timeout", o.work.drain, "time for deliveries under way when it ends",
                 milliseconds(0))
        ->group("Delivery");
    app.add_option("--signing-keys", o.signing_keys_file,
                   "file of keys, whsec_BASE64 in each line: all of them sign")
        ->check(CLI::ExistingFile)
        ->group("Delivery");
    app.add_option("--trusted-certificates", o.deliver.trusted_certificates_file,
                   "PEM file to trust in place of the system's")
        ->check(CLI::ExistingFile)
        ->group("Delivery");
    app.add_option("--name", o.work.name, "what this process is called (default: host and process)")
        ->group("Delivery");
    app.add_flag("--allow-private", o.limits.allow_private,
                 "let targets be this machine and private networks")
        ->group("Delivery");
}

void add_client(CLI::App& command, options& o)
{
    command.add_option("--server", o.server, "where relay serves")
        ->envname("RELAY_SERVER")
        ->capture_default_str();
    command.add_option("--token-file", o.token_file, "file with the token; else $RELAY_TOKEN")
        ->check(CLI::ExistingFile);
}

} // namespace

command_line read_options(int argc, char** argv)
{
    command_line line;
    options& o = line.chosen;
    CLI::App app("relay: takes webhooks in, keeps them on disk, and delivers each at least once.",
                 "relay");
    app.set_version_flag("--version", "relay 0.1.0");
    app.set_config("--config", "", "file of options, NAME = VALUE in each line");
    app.allow_config_extras(CLI::config_extras_mode::error);
    app.fallthrough();
    app.require_subcommand(0, 1);
    app.add_option("-p,--procs", o.procs, "worker threads; 0: one per processor")
        ->capture_default_str();
    app.add_flag("-q,--quiet", o.quiet, "no access log");
    add_queue(app, o);
    add_serve(app, o);
    add_work(app, o);

    const auto command = [&](const char* name, role r, const char* help) {
        CLI::App* const c = app.add_subcommand(name, help);
        c->callback([&o, r] { o.role = r; });
        return c;
    };
    command("all", role::all, "take jobs in and deliver them (without a command: this)");
    command("serve", role::serve, "only take jobs in");
    command("work", role::work, "only deliver");
    CLI::App& submit = *command("submit", role::submit, "give a job to a relay that runs");
    submit.add_option("target", o.target, "URL to deliver to")->required();
    submit.add_option("-H,--header", o.headers, "\"Name: value\" to send with it");
    auto* body = submit.add_option("-d,--data", o.body, "body");
    submit.add_option("--data-file", o.body_file, "file with the body; -: standard input")
        ->excludes(body);
    submit.add_option("--content-type", o.content_type, "of the body");
    submit.add_option("--delay", o.delay, "wait so long first, as 10s or 5m");
    submit.add_option("--attempts", o.max_attempts, "attempts at most")->check(CLI::Range(1, 1000));
    submit.add_option("--key", o.idempotency_key, "idempotency key");
    CLI::App& list = *command("list", role::list, "list jobs, newest first");
    list.add_option("--state", o.state, "only those")
        ->check(CLI::IsMember({"ready", "delayed", "in_flight", "done", "dead"}));
    list.add_option("--limit", o.limit, "so many")
        ->check(CLI::Range(1, 1000))
        ->capture_default_str();
    list.add_option("--after", o.after, "id of the last job of the page before");
    CLI::App& show = *command("show", role::show, "show a job");
    show.add_option("id", o.id, "of the job")->required();
    CLI::App& retry = *command("retry", role::retry, "make a dead job ready again");
    retry.add_option("id", o.id, "of the job")->required();
    CLI::App& stats = *command("stats", role::stats, "count jobs");
    for (CLI::App* c : {&submit, &list, &show, &retry, &stats}) add_client(*c, o);

    try {
        app.parse(argc, argv);
        o.deliver.allow_private = o.limits.allow_private;
        o.deliver.connections_per_host = o.host.concurrency;
        if (o.work.retry.max < o.work.retry.initial)
            throw CLI::ValidationError("--retry-pause-max", "is shorter than --retry-pause");
    } catch (const CLI::ParseError& e) {
        // Usage errors are 2, as everywhere; CLI11 has a number of its own for each kind.
        line.exit_status = app.exit(e) == 0 ? 0 : 2;
    }
    return line;
}

} // namespace relay

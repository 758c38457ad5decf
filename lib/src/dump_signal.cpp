// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/debug/dump.hpp>

#include <weft/detail/solo.hpp>
#include <weft/detail/world.hpp>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <semaphore.h>
#include <sstream>
#include <string>
#include <system_error>
#include <thread>
#include <unistd.h>

namespace weft::inline v0_1::debug {

namespace {

constexpr int most_signals = 65;

struct wish {
    after_dump then = after_dump::go_on;
    dump_options options;
};

/// The handler notes the signal and wakes the thread; never destroyed, as a signal may come late.
struct signal_dump {
    sem_t wake;
    std::array<std::atomic<bool>, most_signals> pending{};
    std::mutex mutex;
    std::array<wish, most_signals> wishes; ///< guarded by mutex
    bool has_thread = false;               ///< guarded by mutex
};

std::atomic<signal_dump*> the_dump{nullptr};

void on_signal(int signal)
{
    signal_dump* d = the_dump.load();
    if (!d) return;
    const int kept = errno;
    if (detail::is_forked_off()) {
        emergency_dump(STDERR_FILENO); // the thread is not here
    } else {
        d->pending[static_cast<std::size_t>(signal)] = true;
        sem_post(&d->wake);
    }
    errno = kept;
}

void write_all(const std::string& text) noexcept
{
    for (std::size_t at = 0; at < text.size();) {
        const ssize_t n = ::write(STDERR_FILENO, text.data() + at, text.size() - at);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return;
        at += static_cast<std::size_t>(n);
    }
}

std::string name_of(int signal)
{
    if (signal == SIGQUIT) return "SIGQUIT: quit";
    return "signal " + std::to_string(signal);
}

[[noreturn]] void serve(signal_dump& d)
{
    for (;;) {
        while (sem_wait(&d.wake) != 0) {}
        for (int signal = 0; signal < most_signals; ++signal) {
            if (!d.pending[static_cast<std::size_t>(signal)].exchange(false)) continue;
            wish what;
            {
                const std::lock_guard lock(d.mutex);
                what = d.wishes[static_cast<std::size_t>(signal)];
            }
            try {
                std::ostringstream text;
                text << name_of(signal) << "\n\n";
                dump(text, what.options);
                detail::leave_population();
                write_all(text.str());
            } catch (...) {
                emergency_dump(STDERR_FILENO); // no memory
            }
            if (what.then == after_dump::exit) std::_Exit(2);
        }
    }
}

} // namespace

void dump_on_signal(int signal, after_dump then, const dump_options& options)
{
    if (signal <= 0 || signal >= most_signals)
        throw std::system_error(EINVAL, std::generic_category(), "dump_on_signal");
    static signal_dump* const d = [] {
        auto* made = new signal_dump;
        sem_init(&made->wake, 0, 0);
        the_dump = made;
        return made;
    }();
    const std::lock_guard lock(d->mutex);
    d->wishes[static_cast<std::size_t>(signal)] = {then, options};
    if (!d->has_thread) {
        // No signal is to be handled on that thread; it inherits the mask.
        sigset_t all, old;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &old);
        try {
            std::thread([] {
                const detail::helper_thread counted;
                serve(*the_dump.load());
            }).detach();
        } catch (...) {
            pthread_sigmask(SIG_SETMASK, &old, nullptr);
            throw;
        }
        pthread_sigmask(SIG_SETMASK, &old, nullptr);
        d->has_thread = true;
    }
    struct sigaction what{};
    what.sa_handler = on_signal;
    what.sa_flags = SA_RESTART;
    sigemptyset(&what.sa_mask);
    if (::sigaction(signal, &what, nullptr) != 0)
        throw std::system_error(errno, std::generic_category(), "dump_on_signal");
}

} // namespace weft::inline v0_1::debug

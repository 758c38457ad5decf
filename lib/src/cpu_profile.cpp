// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/debug/cpu_profile.hpp>

#include <weft/error.hpp>

#if defined(__linux__)

#    include "mappings.hpp"

#    include <weft/detail/goroutine.hpp>
#    include <weft/detail/label_set.hpp>
#    include <weft/detail/world.hpp>

#    include <array>
#    include <atomic>
#    include <cerrno>
#    include <charconv>
#    include <chrono>
#    include <condition_variable>
#    include <csignal>
#    include <ctime>
#    include <execinfo.h>
#    include <filesystem>
#    include <map>
#    include <mutex>
#    include <sys/syscall.h>
#    include <system_error>
#    include <thread>
#    include <tuple>
#    include <ucontext.h>
#    include <unistd.h>
#    include <vector>

namespace weft::inline v0_1::debug {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t most_frames = 128;
constexpr std::size_t most_slots = 512;
constexpr std::size_t longest_name = 48;
/// How often the slots are emptied, and new threads looked for.
constexpr auto collect_interval = 50ms;

/// A sample on its way from a signal handler to the collector.
///   empty -> written by a handler that claims it; full -> read by the collector, which makes it empty.
struct slot {
    enum class state : std::uint8_t { empty, claimed, full };
    std::atomic<state> now{state::empty};
    std::uint32_t frames = 0;
    std::uint32_t periods = 0; ///< for how many it stands
    std::uint32_t name_length = 0;
    const detail::label_set* labels = nullptr; ///< a reference
    char name[longest_name];
    void* stack[most_frames];
};

struct sample_buffer {
    std::array<slot, most_slots> slots;
    std::atomic<std::size_t> next{0};
    std::atomic<std::uint64_t> lost{0}; ///< periods
};

/// What the handlers write to; null: nothing. Who looks first says so in `handlers`, so that the end can wait for him.
constinit std::atomic<sample_buffer*> buffer{nullptr};
constinit std::atomic<int> handlers{0};
constinit std::atomic<bool> in_use{false};

void* interrupted_at(const void* context) noexcept
{
    const auto& m = static_cast<const ucontext_t*>(context)->uc_mcontext;
    // NOLINTBEGIN(performance-no-int-to-ptr)
#    if defined(__x86_64__)
    return reinterpret_cast<void*>(m.gregs[REG_RIP]);
#    elif defined(__aarch64__)
    return reinterpret_cast<void*>(m.pc);
#    else
    static_cast<void>(m);
    return nullptr;
#    endif
    // NOLINTEND(performance-no-int-to-ptr)
}

/// In the handler: the stack from the interrupted place on, without the frames of the handler itself.
std::uint32_t take_stack(void** into, const void* context) noexcept
{
    constexpr int own = 8;
    void* raw[most_frames + own];
    const int n = ::backtrace(raw, static_cast<int>(most_frames) + own);
    void* const at = interrupted_at(context);
    int first = 0;
    while (first < n && raw[first] != at) ++first;
    std::uint32_t taken = 0;
    if (first == n) { // the way back was not found: the place alone
        into[taken++] = at;
        return taken;
    }
    for (int i = first; i < n && taken < most_frames; ++i) into[taken++] = raw[i];
    return taken;
}

/// The goroutine that runs on this thread: nobody else changes its labels or its name, and a change that was interrupted
/// is one store, or marked.
void take_goroutine(slot& s) noexcept
{
    const detail::goroutine* g = detail::this_thread.current;
    s.labels = g ? g->labels : nullptr;
    if (s.labels) s.labels->retain();
    s.name_length = 0;
    if (!g || !g->extras || g->extras->renaming) return;
    s.name_length = static_cast<std::uint32_t>(g->extras->name.copy(s.name, longest_name));
}

void take_sample(sample_buffer& b, std::uint32_t periods, const void* context) noexcept
{
    constexpr int attempts = 16;
    for (int i = 0; i < attempts; ++i) {
        slot& s = b.slots[b.next.fetch_add(1, std::memory_order_relaxed) % most_slots];
        auto empty = slot::state::empty;
        if (!s.now.compare_exchange_strong(empty, slot::state::claimed, std::memory_order_acquire))
            continue;
        s.periods = periods;
        s.frames = take_stack(s.stack, context);
        take_goroutine(s);
        s.now.store(slot::state::full, std::memory_order_release);
        return;
    }
    b.lost.fetch_add(periods, std::memory_order_relaxed);
}

void on_signal(int, siginfo_t* info, void* context)
{
    const int kept = errno;
    handlers.fetch_add(1, std::memory_order_seq_cst);
    if (sample_buffer* b = buffer.load(std::memory_order_seq_cst)) {
        const int missed = info->si_code == SI_TIMER ? info->si_overrun : 0;
        take_sample(*b, static_cast<std::uint32_t>(1 + std::max(missed, 0)), context);
    }
    handlers.fetch_sub(1, std::memory_order_release);
    errno = kept;
}

/// It stays for ever: a signal that is on its way when a profile ends must not end the process.
void set_handler()
{
    struct sigaction old{};
    if (::sigaction(SIGPROF, nullptr, &old) != 0)
        throw std::system_error(errno, std::generic_category(), "cpu_profile: SIGPROF");
    if ((old.sa_flags & SA_SIGINFO) && old.sa_sigaction == on_signal) return;
    if ((old.sa_flags & SA_SIGINFO) || (old.sa_handler != SIG_DFL && old.sa_handler != SIG_IGN))
        throw std::system_error(EBUSY, std::generic_category(),
                                "cpu_profile: SIGPROF has a handler of somebody else's");
    struct sigaction what{};
    what.sa_sigaction = on_signal;
    what.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
    sigemptyset(&what.sa_mask);
    if (::sigaction(SIGPROF, &what, nullptr) != 0)
        throw std::system_error(errno, std::generic_category(), "cpu_profile: SIGPROF");
}

pid_t thread_id() noexcept
{
    return static_cast<pid_t>(::syscall(SYS_gettid));
}

/// The clock of a thread's processor time, as the kernel numbers it.
clockid_t clock_of(pid_t thread) noexcept
{
    constexpr unsigned per_thread = 4, scheduled_time = 2;
    return static_cast<clockid_t>((~static_cast<unsigned>(thread) << 3U) | per_thread |
                                  scheduled_time);
}

/// A timer for each thread.
class thread_timers {
public:
    explicit thread_timers(int hertz) noexcept : hertz_(hertz) {}
    thread_timers(const thread_timers&) = delete;
    thread_timers& operator=(const thread_timers&) = delete;
    ~thread_timers()
    {
        for (const auto& [thread, t] : timers_) ::timer_delete(t.timer);
    }

    /// Those that are there now get one, those that have ended lose theirs. 0, or why it failed for the last one.
    int update()
    {
        int failed = 0;
        ++round_;
        std::error_code ec;
        for (std::filesystem::directory_iterator it("/proc/self/task", ec), end; !ec && it != end;
             it.increment(ec)) {
            const std::string name = it->path().filename().string();
            pid_t thread = 0;
            std::from_chars(name.data(), name.data() + name.size(), thread);
            if (thread == 0 || thread == without_) continue;
            if (const auto found = timers_.find(thread); found != timers_.end()) {
                found->second.seen = round_;
            } else if (const int e = add(thread)) {
                failed = e;
            }
        }
        std::erase_if(timers_, [this](const auto& t) {
            if (t.second.seen == round_) return false;
            ::timer_delete(t.second.timer);
            return true;
        });
        return timers_.empty() && failed == 0 ? ENOTSUP : timers_.empty() ? failed : 0;
    }
    /// The collector's own time is not the program's.
    void leave_out(pid_t thread) noexcept { without_ = thread; }

private:
    struct entry {
        timer_t timer;
        unsigned seen;
    };

    int add(pid_t thread)
    {
        struct sigevent how{};
        how.sigev_notify = SIGEV_THREAD_ID;
        how.sigev_signo = SIGPROF;
#    if defined(sigev_notify_thread_id)
        how.sigev_notify_thread_id = thread;
#    else
        how._sigev_un._tid = thread;
#    endif
        timer_t timer{};
        if (::timer_create(clock_of(thread), &how, &timer) != 0) return errno;
        struct itimerspec when{};
        when.it_interval.tv_nsec = 1'000'000'000 / hertz_;
        if (hertz_ == 1) when.it_interval = {1, 0};
        when.it_value = when.it_interval;
        if (::timer_settime(timer, 0, &when, nullptr) != 0) {
            const int e = errno;
            ::timer_delete(timer);
            return e;
        }
        timers_.emplace(thread, entry{timer, round_});
        return 0;
    }

    const int hertz_;
    pid_t without_ = 0;
    unsigned round_ = 0;
    std::map<pid_t, entry> timers_;
};

} // namespace

struct cpu_profile::session {
    explicit session(int rate) : hertz(rate), timers(rate)
    {
        set_handler();
        void* prime[4];
        static_cast<void>(::backtrace(prime, 4)); // loads what it needs, which a handler may not
        samples = std::make_unique<sample_buffer>();
        if (const int e = timers.update())
            throw std::system_error(e, std::generic_category(), "cpu_profile: timer_create");
        begin = std::chrono::steady_clock::now();
        begin_wall = std::chrono::system_clock::now();
        // No signal is to be handled on the collector's thread; it inherits the mask.
        sigset_t all, old;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &old);
        try {
            collector = std::thread([this] {
                const detail::helper_thread counted;
                collect();
            });
        } catch (...) {
            pthread_sigmask(SIG_SETMASK, &old, nullptr);
            throw;
        }
        pthread_sigmask(SIG_SETMASK, &old, nullptr);
        buffer.store(samples.get(), std::memory_order_seq_cst);
    }
    session(const session&) = delete;
    session& operator=(const session&) = delete;
    ~session()
    {
        end();
        drain();
    }

    void end()
    {
        if (ended) return;
        ended = true;
        buffer.store(nullptr, std::memory_order_seq_cst);
        {
            const std::lock_guard lock(mutex);
            stop = true;
        }
        changed.notify_one();
        collector.join();
        while (handlers.load(std::memory_order_seq_cst) != 0) std::this_thread::yield();
        length = std::chrono::steady_clock::now() - begin;
    }

    void collect()
    {
        timers.leave_out(thread_id());
        std::unique_lock lock(mutex);
        while (!changed.wait_for(lock, collect_interval, [this] { return stop; })) {
            drain();
            static_cast<void>(timers.update());
        }
    }

    /// Only by the collector, and once it has ended.
    void drain()
    {
        for (slot& s : samples->slots) {
            if (s.now.load(std::memory_order_acquire) != slot::state::full) continue;
            const auto labels = detail::label_ref::taken(s.labels);
            std::vector<void*> stack(s.stack, s.stack + s.frames);
            const auto [at, fresh] = counts.try_emplace(
                {std::move(stack), labels.get(), std::string(s.name, s.name_length)}, 0);
            at->second += s.periods;
            if (fresh && labels) kept.push_back(labels); // so that no other set gets its address
            s.now.store(slot::state::empty, std::memory_order_release);
        }
    }

    const int hertz;
    thread_timers timers; ///< the collector's, while there is one
    std::unique_ptr<sample_buffer> samples;
    std::map<std::tuple<std::vector<void*>, const detail::label_set*, std::string>, std::uint64_t>
        counts;
    std::vector<detail::label_ref> kept;
    std::chrono::steady_clock::time_point begin;
    std::chrono::system_clock::time_point begin_wall;
    std::chrono::steady_clock::duration length{};
    bool ended = false;

    std::mutex mutex;
    std::condition_variable changed;
    bool stop = false; ///< guarded by mutex
    std::thread collector;
};

cpu_profile::cpu_profile(int hertz)
{
    constexpr int most = 1000;
    if (hertz < 1 || hertz > most)
        detail::throw_misuse("cpu_profile: a rate between 1 and 1000 Hz");
    if (in_use.exchange(true)) detail::throw_misuse("cpu profiling already in use");
    try {
        session_ = std::make_unique<session>(hertz);
    } catch (...) {
        in_use = false;
        throw;
    }
}

cpu_profile::~cpu_profile()
{
    if (!session_) return;
    session_.reset();
    in_use = false;
}

bool cpu_profile::is_running() noexcept
{
    return in_use;
}

profile cpu_profile::stop()
{
    if (!session_) detail::throw_misuse("cpu_profile: stopped twice");
    const std::unique_ptr<session> s = std::move(session_);
    s->end();
    s->drain();
    in_use = false;

    const std::int64_t period = 1'000'000'000 / s->hertz;
    profile p;
    p.values = {{"samples", "count"}, {"cpu", "nanoseconds"}};
    p.period_type = {"cpu", "nanoseconds"};
    p.period = period;
    p.begin_nanoseconds =
        std::chrono::duration_cast<std::chrono::nanoseconds>(s->begin_wall.time_since_epoch())
            .count();
    p.length = std::chrono::duration_cast<duration>(s->length);
    detail::symbol_names names;
    std::map<std::uint64_t, profile_frame> known;
    const auto add = [&](profile_sample&& sample, std::uint64_t count) {
        const auto n = static_cast<std::int64_t>(count);
        sample.values = {n, n * period};
        p.samples.push_back(std::move(sample));
    };
    for (const auto& [key, count] : s->counts) {
        const auto& [stack, labels, name] = key;
        profile_sample sample;
        for (std::size_t i = 0; i < stack.size(); ++i) {
            // All but the innermost are where a call returns to: the call is before it.
            const std::uint64_t at = reinterpret_cast<std::uint64_t>(stack[i]) - (i == 0 ? 0 : 1);
            auto found = known.find(at);
            if (found == known.end()) {
                profile_frame f{names.name(at), {}, 0, at};
                if (f.function.empty()) {
                    const auto file = names.file(at);
                    f.function = "[" + std::string(file.substr(file.rfind('/') + 1)) + "]";
                }
                found = known.emplace(at, std::move(f)).first;
            }
            sample.stack.push_back(found->second);
        }
        if (labels) sample.labels = labels->all;
        if (!name.empty()) sample.labels.emplace_back("goroutine", name);
        add(std::move(sample), count);
    }
    if (const std::uint64_t lost = s->samples->lost.load()) {
        profile_sample sample;
        sample.stack.push_back({"[lost samples]", {}, 0, 0});
        add(std::move(sample), lost);
    }
    return p;
}

} // namespace weft::inline v0_1::debug

#else

#    include <system_error>

namespace weft::inline v0_1::debug {

struct cpu_profile::session {};

cpu_profile::cpu_profile(int)
{
    throw std::system_error(std::make_error_code(std::errc::not_supported), "cpu_profile");
}
cpu_profile::~cpu_profile() = default;

profile cpu_profile::stop()
{
    return {};
}
bool cpu_profile::is_running() noexcept
{
    return false;
}

} // namespace weft::inline v0_1::debug

#endif

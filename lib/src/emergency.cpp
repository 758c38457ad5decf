// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include "emergency.hpp"

#include "snapshot.hpp"

#include <weft/debug/dump.hpp>
#include <weft/detail/world.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <type_traits>

#if defined(__linux__)
#    include <sys/uio.h>
#endif
#include <unistd.h>

/// A dump by one who may take no lock, allocate nothing, and trust no pointer.

namespace weft::inline v0_1::detail {

namespace {

constexpr std::size_t most_of_shard = 10'000;
constexpr std::size_t most_frames = 256;

/// Copies `size` bytes; false: they cannot be read. The system looks, so that a wild pointer is no second crash.
bool copy_bytes(const void* from, void* to, std::size_t size) noexcept
{
    if (!from) return false;
#if defined(__linux__)
    iovec local{to, size};
    iovec remote{const_cast<void*>(from), size};
    const auto n = process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
    if (n == static_cast<ssize_t>(size)) return true;
    if (n >= 0 || (errno != ENOSYS && errno != EPERM)) return false;
#endif
    std::memcpy(to, from, size);
    return true;
}

template <class T>
bool copy_safely(const T& from, T& to) noexcept
{
    static_assert(std::is_trivially_copyable_v<T>);
    return copy_bytes(&from, &to, sizeof(T));
}

/// Text on its way out.
class printer {
public:
    printer(void (*write)(void*, const char*, std::size_t) noexcept, void* to) noexcept
        : write_(write), to_(to)
    {
    }
    printer(const printer&) = delete;
    printer& operator=(const printer&) = delete;
    ~printer() { flush(); }

    printer& operator<<(std::string_view s) noexcept
    {
        while (!s.empty()) {
            if (used_ == sizeof text_) flush();
            const std::size_t n = s.copy(text_ + used_, sizeof text_ - used_);
            used_ += n;
            s.remove_prefix(n);
        }
        return *this;
    }
    printer& operator<<(std::uint64_t n) noexcept
    {
        char digits[20];
        std::size_t at = sizeof digits;
        do digits[--at] = static_cast<char>('0' + n % 10);
        while ((n /= 10) != 0);
        return *this << std::string_view(digits + at, sizeof digits - at);
    }
    void flush() noexcept
    {
        write_(to_, text_, used_);
        used_ = 0;
    }

private:
    void (*write_)(void*, const char*, std::size_t) noexcept;
    void* to_;
    char text_[2048];
    std::size_t used_ = 0;
};

/// A constant of the program, read with care.
class careful_text {
public:
    explicit careful_text(const char* from) noexcept
    {
        while (size_ < sizeof text_ && copy_bytes(from + size_, text_ + size_, 1) &&
               text_[size_] != '\0')
            ++size_;
    }
    [[nodiscard]] std::string_view view() const noexcept { return {text_, size_}; }

private:
    char text_[400];
    std::size_t size_ = 0;
};

void print_place(printer& out, const std::source_location& at) noexcept
{
    // What it refers to is a constant of the program, unless it is rubbish.
    const void* first = nullptr;
    std::memcpy(&first, &at, sizeof first);
    char probe[2 * sizeof(void*)];
    if (first && sizeof at == sizeof first && !copy_bytes(first, probe, sizeof probe)) return;
    if (at.line() == 0) return;
    const careful_text function(at.function_name()), file(at.file_name());
    in_readable_pieces(function.view(), [&out](std::string_view piece) { out << piece; });
    out << "\n\t" << file.view() << ":" << std::uint64_t{at.line()} << "\n";
}

/// False: its record cannot be read.
bool print_goroutine(printer& out, const goroutine& g, const goroutine*& next) noexcept
{
    std::uint64_t id = 0, parent = 0;
    wait_reason reason{};
    promise_core* core = nullptr;
    std::source_location spawned;
    list_hook* following = nullptr;
    static_assert(sizeof(g.reason) == sizeof(wait_reason));
    if (!copy_safely(g.id, id) || !copy_safely(g.parent, parent) ||
        !copy_bytes(&g.reason, &reason, sizeof reason) || !copy_safely(g.top_core, core) ||
        !copy_safely(g.spawn_site, spawned) ||
        !copy_safely(static_cast<const list_hook&>(g).next, following)) {
        return false;
    }
    next = static_cast<const goroutine*>(following);
    out << "\ngoroutine " << id << " [" << wait_reason_text(reason) << "]:\n";
    if (reason == wait_reason::running) core = nullptr;
    for (std::size_t n = 0; core && n < most_frames; ++n) {
        std::source_location at;
        promise_core* caller = nullptr;
        if (!copy_safely(core->site, at) || !copy_safely(core->caller, caller)) break;
        print_place(out, at);
        core = caller;
    }
    std::uint32_t line = 0;
    const void* first = nullptr;
    std::memcpy(&first, &spawned, sizeof first);
    char probe[2 * sizeof(void*)];
    if (first && copy_bytes(first, probe, sizeof probe)) line = spawned.line();
    if (line != 0) {
        out << "created by ";
        if (parent) out << "goroutine " << parent << " at ";
        print_place(out, spawned);
    }
    return true;
}

} // namespace

void write_emergency_dump(void (*write)(void*, const char*, std::size_t) noexcept,
                          void* to) noexcept
{
    printer out(write, to);
    out << "goroutines, seen without stopping them";
    if (is_forked_off()) out << " (of the process that this one was forked from)";
    out << ":\n";
    for (const auto& slot : world_unlocked()) {
        scheduler* s = slot.load(std::memory_order_acquire);
        std::uint64_t number = 0;
        if (!s || !copy_bytes(&s->number, &number, sizeof number)) continue;
        out << "\nruntime " << number << "\n";
        for (std::size_t i = 0;; ++i) {
            registry_shard* shard = s->shard_at(i);
            if (!shard) break;
            const goroutine* g = shard->live.front();
            for (std::size_t n = 0; g; ++n) {
                if (n == most_of_shard) {
                    out << "\n(and more)\n";
                    break;
                }
                const goroutine* next = nullptr;
                if (!print_goroutine(out, *g, next)) {
                    out << "\n(a record cannot be read)\n";
                    break;
                }
                g = next;
            }
        }
    }
}

} // namespace weft::inline v0_1::detail

namespace weft::inline v0_1::debug {

void emergency_dump(int descriptor) noexcept
{
    const int kept = errno;
    detail::write_emergency_dump(
        [](void* to, const char* text, std::size_t n) noexcept {
            while (n != 0) {
                const ssize_t done = ::write(*static_cast<int*>(to), text, n);
                if (done < 0 && errno == EINTR) continue;
                if (done <= 0) return;
                text += done;
                n -= static_cast<std::size_t>(done);
            }
        },
        &descriptor);
    errno = kept;
}

namespace {

constexpr std::array crashes{SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
struct sigaction before[crashes.size()];
constinit std::atomic<bool> crash_dump_set{false};
constinit std::atomic<bool> crashing{false};

void on_crash(int signal)
{
    // Once: whoever crashes in the dump, or beside it, goes on to what was there before.
    if (!crashing.exchange(true)) emergency_dump(STDERR_FILENO);
    for (std::size_t i = 0; i < crashes.size(); ++i) {
        if (crashes[i] == signal) ::sigaction(signal, &before[i], nullptr);
    }
    ::raise(signal); // delivered when the handler returns
}

} // namespace

void dump_on_crash()
{
    if (crash_dump_set.exchange(true)) return;
    for (std::size_t i = 0; i < crashes.size(); ++i) {
        struct sigaction what{};
        what.sa_handler = on_crash;
        what.sa_flags = SA_ONSTACK;
        sigemptyset(&what.sa_mask);
        ::sigaction(crashes[i], &what, &before[i]);
    }
}

} // namespace weft::inline v0_1::debug

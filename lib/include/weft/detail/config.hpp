// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Compiler and platform facts the rest of the library asks about, each in one place.

#if defined(__SANITIZE_THREAD__)
#    define WEFT_TSAN 1
#elif defined(__has_feature)
#    if __has_feature(thread_sanitizer)
#        define WEFT_TSAN 1
#    endif
#endif

#if defined(__SANITIZE_ADDRESS__)
#    define WEFT_ASAN 1
#elif defined(__has_feature)
#    if __has_feature(address_sanitizer)
#        define WEFT_ASAN 1
#    endif
#endif

#if defined(_MSC_VER)
#    define WEFT_NOINLINE __declspec(noinline)
#    define WEFT_COLD
#    define WEFT_LIKELY(x) (x)
#    define WEFT_UNLIKELY(x) (x)
#else
#    define WEFT_NOINLINE __attribute__((noinline))
#    define WEFT_COLD __attribute__((cold))
#    define WEFT_LIKELY(x) __builtin_expect(!!(x), 1)
#    define WEFT_UNLIKELY(x) __builtin_expect(!!(x), 0)
#endif

/// Before the name of a class, or a declaration, that programs reach in a shared weft: all else in it is hidden.
/// Inline code and templates need it only for what must be one in the process: exceptions, inline variables.
#if defined(_MSC_VER)
#    define WEFT_EXPORT // no DLL of weft: see lib/CMakeLists.txt
#else
#    define WEFT_EXPORT [[gnu::visibility("default")]]
#endif

/// Behind the declaration of a thread-local variable that is read on hot paths, also from a shared library: it
/// spares the call that finds the address.
#if defined(__linux__)
#    define WEFT_FAST_THREAD_LOCAL __attribute__((tls_model("initial-exec")))
#else
#    define WEFT_FAST_THREAD_LOCAL
#endif

namespace weft::inline v0_1::detail {

/// Two cache lines' worth on x86 (the adjacent line is prefetched); enough elsewhere.
inline constexpr unsigned cache_line = 64;

inline void prefetch([[maybe_unused]] const void* p) noexcept
{
#if !defined(_MSC_VER)
    __builtin_prefetch(p);
#endif
}

/// Tells the core that this is a spin loop.
inline void cpu_pause() noexcept
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

} // namespace weft::inline v0_1::detail

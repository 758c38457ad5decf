// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/debug/cpu_profile.hpp>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>

#if defined(__unix__)
#    include <unistd.h>
#endif

/// The allocators' own functions, where the program has them.

#if defined(__GNUC__)
extern "C" {
__attribute__((weak)) int IsHeapProfilerRunning();
__attribute__((weak)) char* GetHeapProfile();
__attribute__((weak)) int mallctl(const char* name, void* old_value, std::size_t* old_size,
                                  void* new_value, std::size_t new_size);
}
#endif

namespace weft::inline v0_1::debug {

#if defined(__GNUC__) && defined(__unix__)

namespace {

std::string jemalloc_profile()
{
    bool on = false;
    std::size_t size = sizeof on;
    if (mallctl("opt.prof", &on, &size, nullptr, 0) != 0 || !on) {
        throw std::runtime_error("heap profile: jemalloc does not profile; start the program with "
                                 "MALLOC_CONF=prof:true");
    }
    char name[] = "/tmp/weft-heap-XXXXXX";
    const int descriptor = ::mkstemp(name);
    if (descriptor < 0) throw std::runtime_error("heap profile: no temporary file");
    ::close(descriptor);
    struct unlinker {
        const char* name;
        ~unlinker() { std::remove(name); }
    } const at_end{name};
    const char* file = name;
    if (mallctl("prof.dump", nullptr, nullptr, static_cast<void*>(&file), sizeof file) != 0)
        throw std::runtime_error("heap profile: jemalloc could not write it");
    std::ifstream in(name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

} // namespace

std::string heap_profile()
{
    if (IsHeapProfilerRunning && GetHeapProfile) {
        if (!IsHeapProfilerRunning()) {
            throw std::runtime_error("heap profile: tcmalloc's heap profiler does not run; start "
                                     "the program with HEAPPROFILE=/tmp/heap");
        }
        const std::unique_ptr<char, void (*)(void*)> text(GetHeapProfile(), std::free);
        return text ? std::string(text.get()) : std::string();
    }
    if (mallctl) return jemalloc_profile();
    throw std::runtime_error("heap profile: the program's allocator keeps none; link it with "
                             "gperftools' tcmalloc or with jemalloc");
}

#else

std::string heap_profile()
{
    throw std::runtime_error("heap profile: there is none on this system");
}

#endif

} // namespace weft::inline v0_1::debug

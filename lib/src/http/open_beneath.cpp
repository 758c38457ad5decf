// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "open_beneath.hpp"

#include <cerrno>
#include <cstdlib>
#include <memory>
#include <string_view>

#include <fcntl.h>
#if defined(__linux__)
#    include <linux/openat2.h>
#    include <sys/syscall.h>
#endif

namespace weft::inline v0_1::http::detail {

namespace {

constexpr int reading = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;

/// For systems without openat2: somebody who may write below `root` could swap a directory for a link in between. That is
/// another trust than "the client sends a path", which is what this guards against.
unique_descriptor open_checked(int root, const std::string& path)
{
    const auto real = [](const std::string& p) {
        const std::unique_ptr<char, decltype(&std::free)> r(::realpath(p.c_str(), nullptr),
                                                            &std::free);
        return r ? std::string(r.get()) : std::string();
    };
    const std::string base = real("/proc/self/fd/" + std::to_string(root));
    const std::string full = real(base + "/" + path);
    if (base.empty() || full.empty()) return {};
    const bool below =
        full == base || (full.starts_with(base) && (base == "/" || full[base.size()] == '/'));
    if (!below) {
        errno = EXDEV;
        return {};
    }
    return unique_descriptor(::open(full.c_str(), reading));
}

} // namespace

unique_descriptor open_beneath(int root, const std::string& path)
{
    const std::string name = path.empty() ? "." : path;
#if defined(__linux__) && defined(SYS_openat2)
    open_how how{};
    how.flags = static_cast<decltype(how.flags)>(reading);
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    const long fd = ::syscall(SYS_openat2, root, name.c_str(), &how, sizeof how);
    if (fd >= 0) return unique_descriptor(static_cast<int>(fd));
    if (errno != ENOSYS && errno != EPERM)
        return {}; // an old kernel, or a sandbox that does not know the call
#endif
    return open_checked(root, name);
}

} // namespace weft::inline v0_1::http::detail

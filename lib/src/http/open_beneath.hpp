// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>
#include <utility>

#include <sys/stat.h>
#include <unistd.h>

/// Opening files below a directory, and only there.

namespace weft::inline v0_1::http::detail {

class unique_descriptor {
public:
    unique_descriptor() noexcept = default;
    explicit unique_descriptor(int fd) noexcept : fd_(fd) {}
    unique_descriptor(unique_descriptor&& o) noexcept : fd_(std::exchange(o.fd_, -1)) {}
    unique_descriptor& operator=(unique_descriptor&& o) noexcept
    {
        std::swap(fd_, o.fd_);
        return *this;
    }
    ~unique_descriptor()
    {
        if (fd_ >= 0) ::close(fd_);
    }
    [[nodiscard]] int get() const noexcept { return fd_; }
    explicit operator bool() const noexcept { return fd_ >= 0; }

private:
    int fd_ = -1;
};

/// A file or directory below `root`, for reading; symbolic links are followed as long as they stay below it. None: errno says
/// why. Does not wait for the other side of a named pipe.
/// @param path  relative, without "..".
[[nodiscard]] unique_descriptor open_beneath(int root, const std::string& path);

} // namespace weft::inline v0_1::http::detail

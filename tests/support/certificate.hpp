// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <filesystem>
#include <string>

namespace weft_test {

/// A self-signed certificate for one host name and its key, in files that go with it.
class certificate {
public:
    explicit certificate(const std::string& host);
    certificate(const certificate&) = delete;
    certificate& operator=(const certificate&) = delete;
    ~certificate();

    [[nodiscard]] std::string certificate_file() const
    {
        return (directory_ / "cert.pem").string();
    }
    [[nodiscard]] std::string key_file() const { return (directory_ / "key.pem").string(); }

private:
    std::filesystem::path directory_;
};

} // namespace weft_test

// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "scratch_directory.hpp"

#include <string>

namespace weft_test {

/// A self-signed certificate for one host name and its key, in files that go with it.
class certificate {
public:
    explicit certificate(const std::string& host);

    [[nodiscard]] std::string certificate_file() const { return directory_.file("cert.pem"); }
    [[nodiscard]] std::string key_file() const { return directory_.file("key.pem"); }

private:
    scratch_directory directory_;
};

} // namespace weft_test

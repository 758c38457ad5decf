// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "base64.hpp"

#include <openssl/evp.h>

#include <cstddef>

namespace relay {

std::string to_base64(std::string_view bytes)
{
    std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0'); // EVP_EncodeBlock ends it with a zero
    const int n = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                  reinterpret_cast<const unsigned char*>(bytes.data()),
                                  static_cast<int>(bytes.size()));
    out.resize(static_cast<std::size_t>(n));
    return out;
}

std::optional<std::string> from_base64(std::string_view text)
{
    if (text.size() % 4 != 0) return std::nullopt;
    std::string out(text.size() / 4 * 3 + 3, '\0');
    const int n = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                  reinterpret_cast<const unsigned char*>(text.data()),
                                  static_cast<int>(text.size()));
    if (n < 0) return std::nullopt;
    out.resize(static_cast<std::size_t>(n)); // with a zero for each '=' at the end
    for (std::size_t i = text.size(); i > 0 && text[i - 1] == '=' && !out.empty(); --i)
        out.pop_back();
    return out;
}

} // namespace relay

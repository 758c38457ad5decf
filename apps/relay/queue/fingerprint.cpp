// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "fingerprint.hpp"

#include "headers_text.hpp"

#include <openssl/evp.h>

#include <memory>
#include <stdexcept>

namespace relay {

std::string fingerprint(const delivery& what)
{
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> hash(EVP_MD_CTX_new(),
                                                                       &EVP_MD_CTX_free);
    const auto add = [&hash](std::string_view s) {
        // With its length: where one part ends and the next begins matters too.
        const std::string length = std::to_string(s.size()) + ':';
        return EVP_DigestUpdate(hash.get(), length.data(), length.size()) == 1 &&
               EVP_DigestUpdate(hash.get(), s.data(), s.size()) == 1;
    };
    std::string sum(32, '\0');
    if (!hash || EVP_DigestInit_ex(hash.get(), EVP_sha256(), nullptr) != 1 || !add(what.target) ||
        !add(what.host) || !add(headers_text(what.headers)) || !add(what.body) ||
        EVP_DigestFinal_ex(hash.get(), reinterpret_cast<unsigned char*>(sum.data()), nullptr) != 1)
        throw std::runtime_error("OpenSSL makes no SHA-256");
    return sum;
}

} // namespace relay

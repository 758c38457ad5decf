// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "signer.hpp"

#include "base64.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <utility>

namespace relay {

namespace {

constexpr std::string_view prefix = "whsec_";

const unsigned char* bytes(std::string_view s)
{
    return reinterpret_cast<const unsigned char*>(s.data());
}

std::string decoded(std::string_view key)
{
    if (!key.starts_with(prefix)) throw std::invalid_argument("a signing key begins with whsec_");
    std::optional<std::string> bytes = from_base64(key.substr(prefix.size()));
    if (!bytes) throw std::invalid_argument("a signing key is no base64 after whsec_");
    if (bytes->size() < 24 || bytes->size() > 64)
        throw std::invalid_argument("a signing key has 24 to 64 bytes");
    return std::move(*bytes);
}

} // namespace

signer::signer(const std::vector<std::string>& keys)
{
    for (const std::string& k : keys) keys_.push_back(decoded(k));
}

std::string signer::sign(std::string_view id, std::int64_t seconds, std::string_view body) const
{
    std::string message(id);
    message.append(".").append(std::to_string(seconds)).append(".").append(body);
    std::string all;
    for (const std::string& key : keys_) {
        std::array<unsigned char, EVP_MAX_MD_SIZE> sum{};
        unsigned size = 0;
        if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes(message),
                 message.size(), sum.data(), &size) == nullptr)
            throw std::runtime_error("OpenSSL makes no HMAC");
        if (!all.empty()) all += ' ';
        all.append("v1,").append(to_base64({reinterpret_cast<const char*>(sum.data()), size}));
    }
    return all;
}

std::vector<std::string> read_lines(const std::string& file)
{
    std::ifstream in(file);
    if (!in) throw std::runtime_error(file + ": " + std::strerror(errno));
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);) {
        line = line.substr(0, line.find('#'));
        const auto first = line.find_first_not_of(" \t\r");
        if (first == std::string::npos) continue;
        lines.push_back(line.substr(first, line.find_last_not_of(" \t\r") - first + 1));
    }
    if (in.bad()) throw std::runtime_error(file + " cannot be read");
    return lines;
}

} // namespace relay

// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "certificate.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <memory>
#include <stdexcept>

namespace weft_test {

namespace {

template <class T, void (*Free)(T*)>
struct freed_by {
    void operator()(T* p) const { Free(p); }
};
using key_ptr = std::unique_ptr<EVP_PKEY, freed_by<EVP_PKEY, EVP_PKEY_free>>;
using x509_ptr = std::unique_ptr<X509, freed_by<X509, X509_free>>;

void must(bool ok)
{
    if (!ok) throw std::runtime_error("no certificate could be made");
}

std::FILE* open_for_writing(const std::string& path)
{
    std::FILE* f = std::fopen(path.c_str(), "wb");
    must(f != nullptr);
    return f;
}

} // namespace

certificate::certificate(const std::string& host)
{
    const key_ptr key(EVP_EC_gen("P-256"));
    const x509_ptr cert(X509_new());
    must(key && cert);
    X509_set_version(cert.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert.get()), -60);
    X509_gmtime_adj(X509_getm_notAfter(cert.get()), 3600);
    X509_set_pubkey(cert.get(), key.get());
    X509_NAME* subject = X509_get_subject_name(cert.get());
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(host.c_str()), -1, -1, 0);
    X509_set_issuer_name(cert.get(), subject);
    const std::string alternative = "DNS:" + host;
    X509_EXTENSION* names =
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, alternative.c_str());
    must(names != nullptr);
    X509_add_ext(cert.get(), names, -1);
    X509_EXTENSION_free(names);
    must(X509_sign(cert.get(), key.get(), EVP_sha256()) != 0);

    std::FILE* f = open_for_writing(certificate_file());
    must(PEM_write_X509(f, cert.get()) == 1);
    std::fclose(f);
    f = open_for_writing(key_file());
    must(PEM_write_PrivateKey(f, key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
    std::fclose(f);
}

} // namespace weft_test

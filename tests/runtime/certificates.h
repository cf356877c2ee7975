// Certificates for tests: authorities and what they sign, as PEM files in a folder that lives as
// long as the object.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "runtime/net/tls.h"

namespace phoenix::net {

struct IdentityFiles {
  std::string certificate;
  std::string key;
};

// Signs for servers and clients alike; names may be hosts ("localhost") or "127.0.0.1".
class Authority {
 public:
  explicit Authority(const std::string& name = "test authority")
      : folder_(make_folder()), key_(make_key()), certificate_(make(name, *key_, 3600)) {
    add(NID_basic_constraints, "critical,CA:TRUE");
    X509_set_issuer_name(certificate_.get(), X509_get_subject_name(certificate_.get()));
    X509_sign(certificate_.get(), key_.get(), EVP_sha256());
    save_certificate(ca(), *certificate_);
  }
  ~Authority() { std::filesystem::remove_all(folder_); }
  Authority(const Authority&) = delete;
  Authority& operator=(const Authority&) = delete;

  std::string ca() const { return folder_ + "/ca.pem"; }

  // Valid from an hour ago until that many seconds from now; negative: expired.
  IdentityFiles issue(const std::string& name, long valid_s = 3600) const {
    const Key key = make_key();
    const Certificate made = make(name, *key, valid_s);
    const bool is_ip = !name.empty() && name.find_first_not_of("0123456789.:") == std::string::npos;
    add_to(*made, NID_subject_alt_name, (is_ip ? "IP:" : "DNS:") + name);
    X509_set_issuer_name(made.get(), X509_get_subject_name(certificate_.get()));
    X509_sign(made.get(), key_.get(), EVP_sha256());
    const std::string stem = folder_ + "/" + std::to_string(++issued_);
    const IdentityFiles files{stem + ".pem", stem + ".key"};
    save_certificate(files.certificate, *made);
    save_key(files.key, *key);
    return files;
  }

  // Settings of a server with a certificate of this authority, and of a client that trusts it.
  TlsSettings server(const std::string& name = "127.0.0.1") const {
    const IdentityFiles files = issue(name);
    return {files.certificate, files.key, "", ""};
  }
  TlsSettings client() const { return {"", "", ca(), ""}; }

 private:
  using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
  using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

  static std::string make_folder() {
    std::string folder = std::filesystem::temp_directory_path() / "phoenix-certificates-XXXXXX";
    if (mkdtemp(folder.data()) == nullptr) std::abort();
    return folder;
  }
  static Key make_key() { return Key(EVP_EC_gen("P-256"), EVP_PKEY_free); }

  static Certificate make(const std::string& name, EVP_PKEY& key, long valid_s) {
    static long serial = 1;
    Certificate made(X509_new(), X509_free);
    X509_set_version(made.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made.get()), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(made.get()), -3600);
    X509_gmtime_adj(X509_getm_notAfter(made.get()), valid_s);
    X509_set_pubkey(made.get(), &key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(made.get()), "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    return made;
  }

  static void add_to(X509& certificate, int kind, const std::string& value) {
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str());
    X509_add_ext(&certificate, extension, -1);
    X509_EXTENSION_free(extension);
  }
  void add(int kind, const std::string& value) { add_to(*certificate_, kind, value); }

  static void save_certificate(const std::string& path, X509& certificate) {
    std::FILE* const file = std::fopen(path.c_str(), "w");
    PEM_write_X509(file, &certificate);
    std::fclose(file);
  }
  static void save_key(const std::string& path, EVP_PKEY& key) {
    std::FILE* const file = std::fopen(path.c_str(), "w");
    PEM_write_PrivateKey(file, &key, nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(file);
  }

  std::string folder_;
  Key key_;
  Certificate certificate_;
  mutable int issued_ = 0;
};

}  // namespace phoenix::net

// TLS and mutual TLS with curl, between all parties; who has no right certificate is refused and
// counted.
#include "tests/runtime/certificates.h"
#include "tests/runtime/system/cluster.h"

namespace phoenix::system_test {
namespace {

using net::Authority;
using net::IdentityFiles;

class Tls : public ClusterTest {
 protected:
  static std::string table(const std::string& name, const IdentityFiles& files,
                           const std::string& ca) {
    std::string text = "[" + name + "]\ncertificate = \"" + files.certificate + "\"\nkey = \"" +
                       files.key + "\"\n";
    if (!ca.empty()) text += "ca = \"" + ca + "\"\n";
    return text;
  }
  Ended curl(std::vector<std::string> options, const std::string& target = "/") {
    options.insert(options.begin(), {find_program("curl"), "-s", "--max-time", "10"});
    options.push_back(gateway_->url(target));
    return run(options);
  }
  std::vector<std::string> trusting(const IdentityFiles& shown) const {
    return {"--cacert", authority_.ca(), "--cert", shown.certificate, "--key", shown.key};
  }
  long failed() const { return gateway_->status("/http/listener/handshake_failed"); }

  Authority authority_;
  Authority stranger_{"another authority"};
};

TEST_F(Tls, ServesWhoTrustsIt) {
  SKIP_WITHOUT("curl");
  start_gateway(table("tls", authority_.issue("127.0.0.1"), "") +
                    http_service("origin", {origin_.address()}, "/"),
                true);
  ASSERT_TRUE(await([&] { return curl({"--cacert", authority_.ca(), "-f"}).code == 0; }));
  EXPECT_THAT(origin_.last().head, testing::HasSubstr("X-Forwarded-Proto: https\r\n"));
  EXPECT_EQ(curl({"--cacert", stranger_.ca()}).code, 60) << "curl itself does not trust it";
  const RawAnswer plain = gateway_->get("/");
  EXPECT_NE(plain.status, 200);
  EXPECT_TRUE(await([&] { return failed() >= 2; }));
  EXPECT_EQ(curl({"--cacert", authority_.ca(), "-f"}).code, 0);
}

TEST_F(Tls, MutualTlsRefusesWrongAndMissingCertificatesAndCountsThem) {
  SKIP_WITHOUT("curl");
  const IdentityFiles good = authority_.issue("client");
  gateway_.emplace(folder_,
                   table("tls", authority_.issue("127.0.0.1"), authority_.ca()) +
                       http_service("origin", {origin_.address()}, "/"),
                   true);
  gateway_->curl_options = trusting(good);
  ASSERT_TRUE(await([&] {
    auto options = trusting(good);
    options.push_back("-f");
    return curl(options).code == 0;
  }));
  origin_.forget();
  const long before = failed();
  EXPECT_NE(curl({"--cacert", authority_.ca()}).code, 0) << "no certificate";
  EXPECT_NE(curl(trusting(stranger_.issue("client"))).code, 0) << "another authority's";
  EXPECT_NE(curl(trusting(authority_.issue("client", -1))).code, 0) << "expired";
  EXPECT_TRUE(await([&] { return failed() == before + 3; })) << failed() - before;
  EXPECT_EQ(origin_.count(), 0U);
  EXPECT_EQ(curl(trusting(good)).code, 0);
  EXPECT_EQ(origin_.count(), 1U);
}

TEST_F(Tls, NodesAndGatewayShowEachOtherCertificatesAndAToken) {
  SKIP_WITHOUT("curl");
  const std::string token = folder_.write("token", "a-long-enough-secret");
  const IdentityFiles for_gateway = authority_.issue("127.0.0.1");
  const IdentityFiles for_node = authority_.issue("127.0.0.1");
  const IdentityFiles good = authority_.issue("client");
  gateway_.emplace(folder_,
                   "token_file = \"" + token + "\"\n" + table("tls", for_gateway, authority_.ca()) +
                       table("upstream_tls", for_gateway, authority_.ca()) +
                       node_service("echo", "/"),
                   true);
  gateway_->curl_options = trusting(good);
  const auto node_options = [&](const IdentityFiles& files, const std::string& secret) {
    return std::vector<std::string>{
        "--service", "echo=echo", "--tls-certificate", files.certificate, "--tls-key",
        files.key,   "--tls-ca",  authority_.ca(),     "--token-file",    secret};
  };
  start_node("stranger", node_options(stranger_.issue("127.0.0.1"), token));
  start_node("guesser", node_options(for_node, folder_.write("wrong", "not-the-right-one")));
  start_node("n1", node_options(for_node, token));
  ASSERT_TRUE(gateway_->await_nodes(1));
  EXPECT_TRUE(await([&] {
    return gateway_->status("/frames/refused/wrong_token") > 0 &&
           gateway_->status("/frames/listener/handshake_failed") > 0;
  }));
  EXPECT_EQ(gateway_->status()["nodes"].size(), 1U) << "neither stranger nor guesser joined";
  auto options = trusting(good);
  options.insert(options.end(), {"-d", "hello"});
  EXPECT_EQ(curl(options).out, "hello");
}

TEST_F(Tls, ServersBehindTlsAreCheckedToo) {
  SKIP_WITHOUT("nginx");
  const IdentityFiles files = authority_.issue("127.0.0.1");
  const net::Address encrypted{"127.0.0.1", free_port()};
  start_nginx("listen " + encrypted.text() + " ssl; ssl_certificate " + files.certificate +
              "; ssl_certificate_key " + files.key + ";");
  folder_.write("page.txt", "over tls");
  const std::string service = http_service("files", {encrypted}, "/", "upstream_tls = true");
  start_gateway("[upstream_tls]\nca = \"" + authority_.ca() + "\"\n" + service);
  ASSERT_TRUE(gateway_->await_answers("/page.txt"));
  EXPECT_EQ(gateway_->get("/page.txt").body, "over tls");
  start_gateway("[upstream_tls]\nca = \"" + stranger_.ca() + "\"\n" + service);
  EXPECT_EQ(gateway_->get("/page.txt").status, 503);
}

}  // namespace
}  // namespace phoenix::system_test

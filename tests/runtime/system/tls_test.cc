// TLS and mutual TLS between all parties as real processes: clients, gateway, nodes, HTTP servers,
// the load source, operators. Who has no right certificate or token is refused and counted, the log
// says why, and right parties are served all the while.
#include <algorithm>
#include <sstream>
#include <tuple>

#include "tests/runtime/certificates.h"
#include "tests/runtime/system/cluster.h"

namespace phoenix::system_test {
namespace {

using net::Authority;
using net::IdentityFiles;
using testing::HasSubstr;
using Texts = std::vector<std::string>;

class Tls : public ClusterTest {
 protected:
  static std::string table(const std::string& name, const IdentityFiles& files,
                           const std::string& ca) {
    std::string text = "[" + name + "]\ncertificate = \"" + files.certificate + "\"\nkey = \"" +
                       files.key + "\"\n";
    if (!ca.empty()) text += "ca = \"" + ca + "\"\n";
    return text;
  }
  static std::string upstream_ca(const Authority& authority) {
    return "[upstream_tls]\nca = \"" + authority.ca() + "\"\n";
  }
  Ended curl_to(const std::string& url, Texts options) const {
    options.insert(options.begin(), {find_program("curl"), "-s", "--max-time", "10"});
    options.push_back(url);
    return run(options);
  }
  Ended curl(const Texts& options) const { return curl_to(gateway_->url(), options); }
  Texts trusting(const IdentityFiles& shown, Texts more = {}) const {
    more.insert(more.begin(),
                {"--cacert", authority_.ca(), "--cert", shown.certificate, "--key", shown.key});
    return more;
  }
  long failed(const std::string& listener = "http") const {
    return gateway_->status("/" + listener + "/listener/handshake_failed");
  }
  long dials_failed(const std::string& node) const {
    const Json all = gateway_->status();
    for (const Json& one : all["nodes"]) {
      if (one["name"] == node) return one["dials_failed"].get<long>();
    }
    return -1;
  }

  // A line of the party's log, now or soon, has all the parts.
  template <class Party>
  static testing::AssertionResult logs(const Party& party, const Texts& parts) {
    const auto has = [](const std::string& line) {
      return [&line](const std::string& part) { return line.find(part) != std::string::npos; };
    };
    const bool found = await([&] {
      std::istringstream lines(party.log());
      for (std::string line; std::getline(lines, line);) {
        if (std::ranges::all_of(parts, has(line))) return true;
      }
      return false;
    });
    if (found) return testing::AssertionSuccess();
    return testing::AssertionFailure() << "no line with " << parts.back() << " in\n" << party.log();
  }

  // A gateway that asks for a token, with the service "echo" of nodes.
  Gateway& start_echo(const std::string& tls) { return start_gateway(echo_text(tls), true); }
  std::string echo_text(const std::string& tls) const {
    return "token_file = \"" + token_ + "\"\n" + tls + node_service("echo", "/");
  }
  Texts node_options(const Texts& more) const {
    Texts all = {"--service", "echo=echo", "--token-file", token_};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  Texts node_options(const IdentityFiles& files, const std::string& ca) const {
    return node_options(
        {"--tls-certificate", files.certificate, "--tls-key", files.key, "--tls-ca", ca});
  }
  bool echoes(Texts options) const {
    options.insert(options.end(), {"-d", "hello"});
    return curl(options).out == "hello";
  }

  struct LoadEnd {
    int code = -1;
    std::string errors;
  };
  // Where a counter is given, the gateway turns the load source away: it tries until it is told to
  // stop, and says why it could not begin.
  LoadEnd load(const Texts& more, const std::string& counter = {}) const {
    Texts all = {PHOENIX_LOAD, "--frames",   gateway_->frames().text(),
                 "--service",  "echo",       "--rate",
                 "200",        "--duration", "100ms"};
    all.insert(all.end(), more.begin(), more.end());
    const std::string errors = folder_.file("load.log");
    std::filesystem::remove(errors);
    const long before = counter.empty() ? 0 : gateway_->status(counter);
    Process process(all, errors);
    if (!counter.empty()) {
      EXPECT_TRUE(await([&] { return gateway_->status(counter) >= before + 4; })) << counter;
      process.signal(SIGTERM);
    }
    const int code = process.await_end();
    return {code, contents(errors)};
  }

  static void replace(const IdentityFiles& old, const IdentityFiles& by) {
    constexpr auto kOver = std::filesystem::copy_options::overwrite_existing;
    std::filesystem::copy_file(by.certificate, old.certificate, kOver);
    std::filesystem::copy_file(by.key, old.key, kOver);
  }

  Authority authority_;
  Authority stranger_{"another authority"};
  std::string token_ = folder_.write("token", "a-long-enough-secret");
};

TEST_F(Tls, ServesWhoTrustsIt) {
  SKIP_WITHOUT("curl");
  start_gateway(table("tls", authority_.issue("127.0.0.1"), "") +
                    http_service("origin", {origin_.address()}, "/"),
                true);
  ASSERT_TRUE(await([&] { return curl({"--cacert", authority_.ca(), "-f"}).code == 0; }));
  EXPECT_THAT(origin_.last().head, HasSubstr("X-Forwarded-Proto: https\r\n"));
  EXPECT_EQ(curl({"--cacert", stranger_.ca()}).code, 60) << "curl itself does not trust it";
  const RawAnswer plain = gateway_->get("/");
  EXPECT_NE(plain.status, 200);
  EXPECT_TRUE(await([&] { return failed() >= 2; }));
  EXPECT_EQ(curl({"--cacert", authority_.ca(), "-f"}).code, 0);
}

TEST_F(Tls, MutualTlsRefusesWrongAndMissingCertificatesAndCountsThem) {
  SKIP_WITHOUT("curl");
  const IdentityFiles good = authority_.issue("client");
  start_gateway(table("tls", authority_.issue("127.0.0.1"), authority_.ca()) +
                    http_service("origin", {origin_.address()}, "/"),
                true);
  gateway_->curl_options = trusting(good);
  ASSERT_TRUE(await([&] { return curl(trusting(good, {"-f"})).code == 0; }));
  origin_.forget();
  const long before = failed();
  EXPECT_NE(curl({"--cacert", authority_.ca()}).code, 0) << "no certificate";
  EXPECT_NE(curl(trusting(stranger_.issue("client"))).code, 0) << "another authority's";
  EXPECT_NE(curl(trusting(authority_.issue("client", -1))).code, 0) << "expired";
  EXPECT_TRUE(await([&] { return failed() == before + 3; })) << failed() - before;
  EXPECT_TRUE(logs(*gateway_, {"TLS handshake failed", gateway_->http().text(), "peer=127.0.0.1",
                               "did not return a certificate"}));
  EXPECT_EQ(origin_.count(), 0U);
  EXPECT_EQ(curl(trusting(good)).code, 0);
  EXPECT_EQ(origin_.count(), 1U);
}

TEST_F(Tls, OperatorsNeedCertificateAndTokenToo) {
  SKIP_WITHOUT("curl");
  const IdentityFiles good = authority_.issue("operator");
  start_echo(table("tls", authority_.issue("127.0.0.1"), authority_.ca()));
  gateway_->curl_options = trusting(good);
  const auto admin = [&](const std::string& path, const Texts& options) {
    return curl_to("https://" + gateway_->admin().text() + path, options);
  };
  const auto change = [&](const std::string& secret) {
    return admin("/knobs", trusting(good, {"-X", "PUT", "-d", R"({"batch_size": 7})", "-H",
                                           "Authorization: Bearer " + secret, "-o", "/dev/null",
                                           "-w", "%{http_code}"}))
        .out;
  };
  EXPECT_EQ(admin("/healthz", trusting(good)).out, "ok\n");
  EXPECT_EQ(admin("/healthz", {"--cacert", stranger_.ca()}).code, 60);
  EXPECT_NE(admin("/healthz", {"--cacert", authority_.ca()}).code, 0);
  EXPECT_NE(admin("/healthz", trusting(stranger_.issue("operator"))).code, 0);
  EXPECT_NE(admin("/healthz", trusting(authority_.issue("operator", -1))).code, 0);
  EXPECT_TRUE(await([&] { return failed("admin") == 4; })) << failed("admin");
  EXPECT_THAT(admin("/metrics", trusting(good)).out,
              HasSubstr("phoenix_gateway_tls_handshake_failures_total{listener=\"admin\"} 4"));
  EXPECT_EQ(change("a-wrong-secret"), "401");
  EXPECT_TRUE(logs(*gateway_, {"change refused", "/knobs", "wrong token"}));
  EXPECT_EQ(gateway_->status("/knobs/batch_size"), 1);
  EXPECT_EQ(change("a-long-enough-secret"), "200");
  EXPECT_EQ(gateway_->status("/knobs/batch_size"), 7);
}

TEST_F(Tls, NodesAndGatewayShowEachOtherCertificatesAndAToken) {
  SKIP_WITHOUT("curl");
  const IdentityFiles for_gateway = authority_.issue("127.0.0.1");
  const IdentityFiles good = authority_.issue("127.0.0.1");
  const std::string ca = authority_.ca();
  start_echo(table("tls", for_gateway, ca) + table("upstream_tls", for_gateway, ca));
  gateway_->curl_options = trusting(good);
  // One after the other, so that each has its line in the log.
  const auto is_refused = [&](const Texts& options, const std::string& why) {
    const long before = failed("frames");
    Node& node = start_node("refused", options);
    EXPECT_TRUE(logs(*gateway_, {"TLS handshake failed", gateway_->frames().text(), why}));
    EXPECT_TRUE(logs(node, {"no gateway", "TLS failed: "}));
    EXPECT_GT(failed("frames"), before);
    node.process().kill();
  };
  is_refused(node_options(stranger_.issue("127.0.0.1"), ca), "unable to get local issuer");
  is_refused(node_options(authority_.issue("127.0.0.1", -1), ca), "certificate has expired");
  is_refused(node_options({"--tls-ca", ca}), "did not return a certificate");
  token_ = folder_.write("wrong", "not-the-right-one");
  start_node("guesser", node_options(good, ca));
  EXPECT_TRUE(logs(*gateway_, {"peer refused", "wrong_token"}));
  EXPECT_GE(gateway_->status("/frames/refused/wrong_token"), 1);
  EXPECT_EQ(gateway_->status()["nodes"].size(), 0U) << "none of them joined";
  token_ = folder_.file("token");
  start_node("n1", node_options(good, ca));
  ASSERT_TRUE(gateway_->await_nodes(1));
  EXPECT_TRUE(echoes(trusting(good)));
}

TEST_F(Tls, NodesAnnounceThemselvesOnlyToGatewaysTheyBelieve) {
  SKIP_WITHOUT("curl");
  start_echo(table("tls", authority_.issue("gateway.test"), "") + upstream_ca(authority_));
  const IdentityFiles good = authority_.issue("127.0.0.1");
  Texts options = node_options(good, stranger_.ca());
  Node& suspicious = start_node("suspicious", options);
  EXPECT_TRUE(logs(suspicious, {"no gateway", "certificate verify failed"}));
  suspicious.process().kill();
  Node& strict = start_node("strict", node_options(good, authority_.ca()));
  EXPECT_TRUE(logs(strict, {"no gateway", "IP address mismatch"}));
  strict.process().kill();
  EXPECT_GE(failed("frames"), 2);
  EXPECT_EQ(gateway_->status()["nodes"].size(), 0U);
  options = node_options({"--tls-server-name", "gateway.test", "--tls-ca", authority_.ca(),
                          "--tls-certificate", good.certificate, "--tls-key", good.key});
  Node& told = start_node("told", options);
  EXPECT_TRUE(logs(told, {"gateway joined"}));
  EXPECT_TRUE(logs(told, {"TLS handshake failed", "did not return a certificate"}))
      << "the gateway has none to show";
}

TEST_F(Tls, GatewaysSendRequestsOnlyToNodesTheyBelieve) {
  SKIP_WITHOUT("curl");
  const std::string tls = table("tls", authority_.issue("127.0.0.1"), "");
  start_echo(tls + upstream_ca(authority_));
  const std::string ca = authority_.ca();
  const std::vector<std::tuple<std::string, IdentityFiles, std::string>> refused = {
      {"stranger", stranger_.issue("127.0.0.1"), "unable to get local issuer"},
      {"late", authority_.issue("127.0.0.1", -1), "certificate has expired"},
      {"misnamed", authority_.issue("127.0.0.2"), "IP address mismatch"}};
  for (const auto& [name, files, why] : refused) start_node(name, node_options(files, ca));
  start_node("plain", node_options({"--tls-ca", ca}));
  start_node("asking", node_options(authority_.issue("127.0.0.1"), ca));
  for (const auto& [name, files, why] : refused) {
    EXPECT_TRUE(logs(*gateway_, {"node not reached", "node=" + name, why}));
    EXPECT_GE(dials_failed(name), 1) << name;
  }
  EXPECT_TRUE(logs(*gateway_, {"node not reached", "node=plain"}));
  EXPECT_TRUE(
      logs(*gateway_, {"node not reached", "node=asking", "TLS failed", "certificate required"}));
  EXPECT_GE(dials_failed("asking"), 1);
  const Texts status = {"--cacert", ca, "-o", "/dev/null", "-w", "%{http_code}"};
  EXPECT_EQ(curl(status).out, "503");
  gateway_->configure(echo_text(tls + table("upstream_tls", authority_.issue("the gateway"), ca)));
  ASSERT_TRUE(gateway_->reload());
  ASSERT_TRUE(gateway_->await_nodes(1)) << "the one that asked for a certificate";
  EXPECT_TRUE(echoes({"--cacert", ca}));
}

TEST_F(Tls, NativeClientsNeedCertificateAndToken) {
  SKIP_WITHOUT("curl");
  const IdentityFiles good = authority_.issue("127.0.0.1");
  const IdentityFiles client = authority_.issue("client");
  const IdentityFiles unknown = stranger_.issue("client");
  const IdentityFiles late = authority_.issue("client", -1);
  const std::string ca = authority_.ca();
  start_echo(table("tls", good, ca) + table("upstream_tls", good, ca));
  gateway_->curl_options = trusting(client);
  start_node("n1", node_options(good, ca));
  ASSERT_TRUE(gateway_->await_nodes(1));
  const auto options = [&](const IdentityFiles& shown, const std::string& secret) {
    return Texts{"--tls",   "--ca",         ca,    "--certificate", shown.certificate, "--key",
                 shown.key, "--token-file", secret};
  };
  const std::string handshakes = "/frames/listener/handshake_failed";
  const std::vector<std::tuple<Texts, std::string, std::string>> refused = {
      {{"--tls", "--token-file", token_}, handshakes, "certificate verify failed"},
      {{"--ca", stranger_.ca(), "--token-file", token_}, handshakes, "certificate verify failed"},
      {{"--ca", ca, "--token-file", token_}, handshakes, "TLS failed: "},
      {options(unknown, token_), handshakes, "TLS failed: "},
      {options(late, token_), handshakes, "TLS failed: "},
      {options(client, folder_.write("wrong", "guess")), "/frames/refused/wrong_token",
       "did not say hello"}};
  for (const auto& [shown, counter, why] : refused) {
    const LoadEnd ended = load(shown, counter);
    EXPECT_EQ(ended.code, 1);
    EXPECT_THAT(ended.errors, HasSubstr(why));
  }
  const LoadEnd served = load(options(client, token_));
  EXPECT_EQ(served.code, 0) << served.errors;
  EXPECT_EQ(load({"--certificate", client.certificate}).code, 2) << "without its key";
}

TEST_F(Tls, ServersBehindTlsAreCheckedToo) {
  SKIP_WITHOUT("nginx");
  const IdentityFiles files = authority_.issue("127.0.0.1");
  const net::Address encrypted{"127.0.0.1", free_port()};
  Nginx& nginx =
      start_nginx("listen " + encrypted.text() + " ssl; ssl_certificate " + files.certificate +
                  "; ssl_certificate_key " + files.key + "; ssl_client_certificate " +
                  authority_.ca() + "; ssl_verify_client on;");
  folder_.write("page.txt", "over tls");
  const std::string service =
      http_service("files", {encrypted}, "/",
                   "upstream_tls = true\nhealth_path = \"/page.txt\"\nhealth_interval = \"100ms\"");
  start_gateway(upstream_ca(stranger_) + service);
  const auto is_down = [&](const std::string& why) {
    EXPECT_TRUE(logs(*gateway_, {"server not reached", encrypted.text(), why}));
    EXPECT_TRUE(await([&] { return gateway_->get("/page.txt").status != 200; }));
    EXPECT_GE(dials_failed(encrypted.text()), 1);
  };
  const auto reloads_to = [&](const std::string& tls) {
    gateway_->configure(tls + service);
    EXPECT_TRUE(gateway_->reload());
  };
  is_down("certificate verify failed");
  reloads_to(upstream_ca(authority_));
  is_down("status 400");  // as nginx answers who shows no certificate
  const std::string right = table("upstream_tls", authority_.issue("gateway"), authority_.ca());
  reloads_to(right);
  ASSERT_TRUE(gateway_->await_answers("/page.txt"));
  EXPECT_EQ(gateway_->get("/page.txt").body, "over tls");
  replace(files, authority_.issue("127.0.0.1", -1));
  nginx.restart();
  is_down("certificate has expired");
  replace(files, authority_.issue("127.0.0.1"));
  nginx.restart();
  EXPECT_TRUE(gateway_->await_answers("/page.txt"));
}

TEST_F(Tls, CertificatesReplacedOnHangupAreShownFromThenOn) {
  SKIP_WITHOUT("curl");
  const IdentityFiles files = authority_.issue("127.0.0.1");
  const std::string config = table("tls", files, "") + upstream_ca(authority_);
  start_echo(config);
  start_node("n1", node_options(authority_.issue("127.0.0.1"), authority_.ca()));
  const auto is_trusted = [&](const net::Address& at, const Authority& authority) {
    return curl_to("https://" + at.text() + "/healthz", {"--cacert", authority.ca()}).code == 0;
  };
  EXPECT_TRUE(is_trusted(gateway_->http(), authority_));
  EXPECT_TRUE(is_trusted(gateway_->admin(), authority_));
  replace(files, stranger_.issue("127.0.0.1"));
  ASSERT_TRUE(gateway_->reload());
  for (const net::Address& at : {gateway_->http(), gateway_->admin()}) {
    EXPECT_TRUE(await([&] { return is_trusted(at, stranger_); }));
    EXPECT_FALSE(is_trusted(at, authority_));
  }
  EXPECT_TRUE(
      logs(start_node("n2", node_options({"--tls-ca", stranger_.ca()})), {"gateway joined"}));
  EXPECT_TRUE(logs(start_node("n3", node_options({"--tls-ca", authority_.ca()})),
                   {"no gateway", "certificate verify failed"}));
  std::ofstream(files.certificate) << "not a certificate\n";
  EXPECT_FALSE(gateway_->reload());
  EXPECT_TRUE(logs(*gateway_, {"reload failed", files.certificate}));
  EXPECT_TRUE(is_trusted(gateway_->http(), stranger_)) << "what stood stays";
}

}  // namespace
}  // namespace phoenix::system_test

#include "runtime/net/tls.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/net/tls_session.h"
#include "tests/runtime/certificates.h"
#include "tests/runtime/net/parties.h"

namespace phoenix::net {
namespace {

using std::chrono::milliseconds;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

const Authority& authority() {
  static const Authority made;
  return made;
}
const Authority& stranger() {
  static const Authority made("another authority");
  return made;
}

ListenSettings serving(const TlsSettings& tls) {
  ListenSettings settings;
  settings.tls = *make_server_tls(tls);
  return settings;
}
DialSettings calling(const TlsSettings& tls) {
  DialSettings settings;
  settings.tls = *make_client_tls(tls);
  return settings;
}
TlsSettings mutual_server() {
  TlsSettings settings = authority().server();
  settings.ca = authority().ca();
  return settings;
}
TlsSettings with(TlsSettings settings, const IdentityFiles& identity) {
  settings.certificate = identity.certificate;
  settings.key = identity.key;
  return settings;
}

// What a client is told by a server of those settings that it cannot trust; the server counts it.
std::string refusal(const TlsSettings& server_tls, const TlsSettings& client_tls) {
  Loop loop;
  Server server(loop, serving(server_tls));
  const auto channel = dial(loop, server.listener->local(), calling(client_tls));
  if (channel.ok()) return "";
  EXPECT_TRUE(drive(loop, [&] { return server.listener->counters().handshake_failed == 1; }));
  EXPECT_TRUE(drive(loop, [&] { return server.listener->counters().open == 0; }));
  EXPECT_TRUE(server.accepted.empty());
  return channel.error();
}

TEST(Tls, AServerOfAnUnknownAuthorityIsRefused) {
  EXPECT_THAT(refusal(stranger().server(), authority().client()),
              StartsWith("certificate verify failed: "));
}

TEST(Tls, AnExpiredCertificateIsRefused) {
  const TlsSettings expired = with({}, authority().issue("127.0.0.1", -60));
  EXPECT_EQ(refusal(expired, authority().client()),
            "certificate verify failed: certificate has expired");
}

TEST(Tls, ACertificateOfAnotherNameIsRefused) {
  EXPECT_THAT(refusal(authority().server("127.0.0.2"), authority().client()),
              HasSubstr("IP address mismatch"));
  TlsSettings named = authority().client();
  named.server_name = "gateway.example";
  EXPECT_THAT(refusal(authority().server("node.example"), named), HasSubstr("hostname mismatch"));
}

TEST(Tls, TheNameToCheckIsTheDialsThenTheContextsThenTheHost) {
  Loop loop;
  Server server(loop, serving(authority().server("node.example")));
  TlsSettings named = authority().client();
  EXPECT_FALSE(dial(loop, server.listener->local(), calling(named)).ok());
  named.server_name = "node.example";
  EXPECT_TRUE(dial(loop, server.listener->local(), calling(named)).ok());
  named.server_name = "other.example";
  DialSettings settings = calling(named);
  settings.server_name = "node.example";
  EXPECT_TRUE(dial(loop, server.listener->local(), settings).ok());
}

// A TLS 1.3 client is through before the server has judged it; it learns when it reads.
void expect_client_refused(const TlsSettings& client_tls, const std::string& alert) {
  Loop loop;
  Server server(loop, serving(mutual_server()));
  auto channel = dial(loop, server.listener->local(), calling(client_tls));
  ASSERT_TRUE(channel.ok()) << channel.error();
  const Party party(std::move(*channel));
  ASSERT_TRUE(drive(loop, [&] { return party.closed.has_value(); }));
  EXPECT_EQ(*party.closed, CloseReason::kTls);
  EXPECT_THAT(party.why, HasSubstr(alert));
  EXPECT_EQ(server.listener->counters().handshake_failed, 1U);
  EXPECT_TRUE(server.accepted.empty());
}

TEST(Tls, AClientWithoutCertificateIsRefusedWhereOneIsAskedFor) {
  expect_client_refused(authority().client(), "certificate required");
}

TEST(Tls, AClientOfAnUnknownAuthorityIsRefused) {
  expect_client_refused(with(authority().client(), stranger().issue("node-1")), "unknown ca");
}

TEST(Tls, MutualPartiesKnowEachOther) {
  Loop loop;
  const TlsSettings client = with(authority().client(), authority().issue("node-1"));
  Pair pair(loop, serving(mutual_server()), calling(client));
  EXPECT_EQ(pair.far->channel->peer_name(), "CN=node-1");
  EXPECT_EQ(pair.near->channel->peer_name(), "CN=127.0.0.1");
}

TEST(Tls, GarbageAndSilenceAreCountedAndTheServerServesOn) {
  ListenSettings settings = serving(authority().server());
  settings.handshake = milliseconds(500);  // ours, at the end, fits in on a busy machine
  Loop loop;
  Server server(loop, settings);
  Party garbage(std::move(*dial(loop, server.listener->local())));
  garbage.channel->write("GET / HTTP/1.1\r\n\r\n");
  ASSERT_TRUE(drive(loop, [&] { return server.listener->counters().handshake_failed == 1; }));
  Party silent(std::move(*dial(loop, server.listener->local())));
  ASSERT_TRUE(drive(loop, [&] { return server.listener->counters().handshake_failed == 2; }));
  ASSERT_TRUE(drive(loop, [&] { return silent.closed.has_value(); }));
  EXPECT_TRUE(dial(loop, server.listener->local(), calling(authority().client())).ok());
}

TEST(Tls, ADialToAServerThatStaysSilentTimesOut) {
  Loop loop;
  Server plain(loop);
  DialSettings settings = calling(authority().client());
  settings.timeout = milliseconds(30);
  EXPECT_EQ(dial(loop, plain.listener->local(), settings).error(), "timed out");
}

TEST(Tls, ADialToAServerThatHangsUpSaysSo) {
  Loop loop;
  auto listener = Listener::open(loop, {"127.0.0.1", 0}, {}, [](auto channel) {
    Channel::close_gracefully(std::move(channel));
  });
  const auto channel = dial(loop, (*listener)->local(), calling(authority().client()));
  EXPECT_EQ(channel.error(), "the peer closed during the TLS handshake");
}

TEST(Tls, NewSettingsHoldForConnectionsFromThenOn) {
  Loop loop;
  Pair pair(loop, serving(authority().server()), calling(authority().client()));
  pair.server.listener->set_tls(*make_server_tls(stranger().server()));
  EXPECT_FALSE(dial(loop, pair.server.listener->local(), calling(authority().client())).ok());
  EXPECT_TRUE(dial(loop, pair.server.listener->local(), calling(stranger().client())).ok());
  pair.near->channel->write("old");
  EXPECT_TRUE(drive(loop, [&] { return pair.far->received == "old"; }));
}

TEST(Tls, AContextNamesTheFileThatIsWrong) {
  const IdentityFiles good = authority().issue("a");
  const std::string garbage = good.certificate + ".garbage";
  std::ofstream(garbage) << "no certificate";
  EXPECT_THAT(make_server_tls({"/no/such.pem", good.key, "", ""}).error(),
              AllOf(StartsWith("certificate \"/no/such.pem\": "), HasSubstr("no such file")));
  EXPECT_THAT(make_server_tls({good.certificate, "/no/such.key", "", ""}).error(),
              StartsWith("key \"/no/such.key\": "));
  EXPECT_THAT(make_server_tls({good.certificate, authority().issue("b").key, "", ""}).error(),
              AllOf(StartsWith("key "), HasSubstr("mismatch")));
  EXPECT_THAT(make_client_tls({"", "", garbage, ""}).error(),
              StartsWith("CA \"" + garbage + "\": "));
  EXPECT_FALSE(make_server_tls({}).ok());
}

struct InMemory {
  explicit InMemory(const TlsSettings& server_tls = authority().server(),
                    const TlsSettings& client_tls = authority().client())
      : server_context(*make_server_tls(server_tls)), client_context(*make_client_tls(client_tls)) {
    reconnect();
  }
  void reconnect() {
    client = std::make_unique<TlsSession>(client_context, "127.0.0.1");
    server = std::make_unique<TlsSession>(server_context, "");
  }

  // Hands what `from` has for `to` over, in pieces, calling `step` after each.
  template <class Step>
  static void carry(TlsSession& from, TlsSession& to, std::size_t piece, Step step) {
    const std::string bytes = std::move(from.out());
    from.out().clear();
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      to.feed(std::string_view(bytes).substr(at, piece));
      step();
      to.keep_rest();
    }
  }
  bool shake_hands(std::size_t piece) {
    auto mine = client->handshake();
    auto other = TlsSession::Step::kWants;
    for (int flights = 0; flights < 4 && !(mine == kDone && other == kDone); ++flights) {
      carry(*client, *server, piece, [&] {
        if (other != kDone) other = server->handshake();
      });
      carry(*server, *client, piece, [&] {
        if (mine != kDone) mine = client->handshake();
      });
    }
    return mine == kDone && other == kDone;
  }
  static std::string read_all(TlsSession& from) {
    char text[64];
    std::string all;
    std::size_t got = 0;
    while (from.read(text, got) == kDone) all.append(text, got);
    return all;
  }

  static constexpr auto kDone = TlsSession::Step::kDone;
  std::shared_ptr<TlsContext> server_context, client_context;
  std::unique_ptr<TlsSession> client, server;
};

TEST(TlsSession, CarriesBytesInWhateverPiecesTheyCome) {
  for (const std::size_t piece : {1U, 7U, 1000U, 1'000'000U}) {
    InMemory both;
    ASSERT_TRUE(both.shake_hands(piece)) << piece;
    const std::string text = pattern(40'000);
    ASSERT_TRUE(both.client->write(text));
    std::string read;
    InMemory::carry(*both.client, *both.server, piece,
                    [&] { read += InMemory::read_all(*both.server); });
    EXPECT_EQ(read, text);
  }
}

TEST(TlsSession, ASecondConnectionResumesTheFirst) {
  InMemory both;
  ASSERT_TRUE(both.shake_hands(10'000));
  EXPECT_FALSE(both.client->is_resumed());
  InMemory::carry(*both.server, *both.client, 10'000, [&] { InMemory::read_all(*both.client); });
  InMemory::read_all(*both.client);
  both.reconnect();
  ASSERT_TRUE(both.shake_hands(10'000));
  EXPECT_TRUE(both.client->is_resumed());
  EXPECT_TRUE(both.server->is_resumed());
  EXPECT_EQ(both.client->peer_name(), "CN=127.0.0.1");
}

TEST(TlsSession, TellsAProperEndFromATruncation) {
  InMemory both;
  ASSERT_TRUE(both.shake_hands(10'000));
  ASSERT_TRUE(both.client->write("all"));
  both.client->shutdown();
  char text[64];
  std::size_t got = 0;
  auto step = TlsSession::Step::kWants;
  InMemory::carry(*both.client, *both.server, 10'000, [&] {
    EXPECT_EQ(InMemory::read_all(*both.server), "all");
    step = both.server->read(text, got);
  });
  EXPECT_EQ(step, TlsSession::Step::kEnd);
}

TEST(TlsSession, ATamperedRecordFailsForGood) {
  InMemory both;
  ASSERT_TRUE(both.shake_hands(10'000));
  ASSERT_TRUE(both.client->write("text"));
  both.client->out().back() ^= 1;
  char text[64];
  std::size_t got = 0;
  InMemory::carry(*both.client, *both.server, 10'000, [&] {
    EXPECT_EQ(both.server->read(text, got), TlsSession::Step::kFailed);
    EXPECT_EQ(both.server->read(text, got), TlsSession::Step::kFailed);
  });
  EXPECT_NE(both.server->error(), "");
  EXPECT_FALSE(both.server->write("more"));
}

}  // namespace
}  // namespace phoenix::net

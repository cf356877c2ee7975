#include "runtime/net/connect.h"

#include <algorithm>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/net/socket.h"
#include "tests/runtime/net/parties.h"

namespace phoenix::net {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::StartsWith;

TEST(Listener, CarriesManyConnectionsAtOnce) {
  constexpr std::size_t kConnections = 200;
  Loop loop;
  Server server(loop);
  std::vector<std::unique_ptr<Dial>> dials;
  std::vector<std::unique_ptr<Party>> near, far;
  for (std::size_t i = 0; i < kConnections; ++i) {
    dials.push_back(Dial::start(loop, server.listener->local(), {}, [&](auto channel) {
      near.push_back(std::make_unique<Party>(std::move(*channel)));
    }));
  }
  ASSERT_TRUE(
      drive(loop, [&] { return near.size() + server.accepted.size() == 2 * kConnections; }));
  while (auto channel = server.take()) far.push_back(std::make_unique<Party>(std::move(channel)));
  for (auto& party : far) party->channel->write(party->channel->peer().text());
  const auto all_told = [&] {
    return std::all_of(near.begin(), near.end(), [](auto& p) { return !p->received.empty(); });
  };
  ASSERT_TRUE(drive(loop, all_told));
  EXPECT_EQ(server.listener->counters().accepted, kConnections);
  EXPECT_EQ(server.listener->counters().open, kConnections);
  near.clear();
  far.clear();
  EXPECT_TRUE(drive(loop, [&] { return server.listener->counters().open == 0; }));
}

TEST(Listener, ClosesConnectionsBeyondItsBoundAndTakesNewOnesWhenOneIsGone) {
  ListenSettings settings;
  settings.connections = 2;
  Loop loop;
  Server server(loop, settings);
  const auto connect = [&] {
    auto channel = dial(loop, server.listener->local());
    return std::make_unique<Party>(std::move(*channel));
  };
  auto first = connect();
  auto second = connect();
  auto third = connect();
  ASSERT_TRUE(drive(loop, [&] { return third->closed.has_value(); }));
  EXPECT_EQ(server.accepted.size(), 2U);
  EXPECT_EQ(server.listener->counters().refused, 1U);
  EXPECT_EQ(server.listener->counters().open, 2U);
  server.accepted.pop_back();
  ASSERT_TRUE(drive(loop, [&] { return server.listener->counters().open == 1; }));
  auto fourth = connect();
  ASSERT_TRUE(drive(loop, [&] { return server.accepted.size() == 2; }));
  EXPECT_FALSE(fourth->closed);
}

TEST(Listener, NewBoundsHoldForConnectionsFromThenOn) {
  ListenSettings settings;
  settings.connections = 1;
  Loop loop;
  Server server(loop, settings);
  const auto connect = [&] {
    auto channel = dial(loop, server.listener->local());
    return std::make_unique<Party>(std::move(*channel));
  };
  auto first = connect();
  ASSERT_TRUE(drive(loop, [&] { return server.accepted.size() == 1; }));
  settings.connections = 2;
  server.listener->apply(settings);
  auto second = connect();
  ASSERT_TRUE(drive(loop, [&] { return server.accepted.size() == 2; }));
  settings.connections = 1;
  server.listener->apply(settings);
  EXPECT_FALSE(first->closed || second->closed) << "those there are stay";
  server.accepted.pop_back();
  ASSERT_TRUE(drive(loop, [&] { return server.listener->counters().open == 1; }));
  auto third = connect();
  ASSERT_TRUE(drive(loop, [&] { return third->closed.has_value(); }));
}

// Of the accepted end of the only connection to the port.
int receive_buffer_at(std::uint16_t port) {
  for (int fd = 0; fd < 1024; ++fd) {
    sockaddr_in own{}, peer{};
    socklen_t own_size = sizeof own, peer_size = sizeof peer;
    if (getsockname(fd, reinterpret_cast<sockaddr*>(&own), &own_size) != 0) continue;
    if (own.sin_family != AF_INET || ntohs(own.sin_port) != port) continue;
    if (getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &peer_size) != 0) continue;
    int bytes = 0;
    socklen_t size = sizeof bytes;
    return getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, &size) == 0 ? bytes : -1;
  }
  return -1;
}

TEST(Listener, NewSocketBuffersHoldForConnectionsFromThenOn) {
  ListenSettings settings;
  Loop loop;
  Server server(loop, settings);
  settings.channel.receive_buffer = 40'000;
  server.listener->apply(settings);
  Party client(std::move(*dial(loop, server.listener->local())));
  ASSERT_TRUE(drive(loop, [&] { return server.accepted.size() == 1; }));
  EXPECT_EQ(receive_buffer_at(server.listener->local().port), 80'000) << "Linux doubles it";
}

// Leaves the process without free descriptors while it lives.
class NoDescriptors {
 public:
  NoDescriptors() {
    getrlimit(RLIMIT_NOFILE, &before_);
    const int lowest_free = dup(0);
    close(lowest_free);
    rlimit none = before_;
    none.rlim_cur = static_cast<rlim_t>(lowest_free);
    setrlimit(RLIMIT_NOFILE, &none);
  }
  ~NoDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;

 private:
  rlimit before_{};
};

TEST(Listener, RestsWithoutDescriptorsAndRecovers) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "the sanitizer of virtual calls opens descriptors itself";
#endif
  Loop loop;
  Server server(loop);
  Endpoint at = literal_endpoints(server.listener->local()).front();
  const Descriptor waiting(socket(AF_INET, SOCK_STREAM, 0));
  std::uint64_t refused = 0;
  std::string why;
  {
    const NoDescriptors none;
    ASSERT_EQ(connect(waiting.get(), at.raw(), at.length), 0);
    drive(loop, [&] { return server.listener->counters().refused > 0; });
    settle(loop);
    refused = server.listener->counters().refused;
    why = dial(loop, server.listener->local()).error();
  }
  EXPECT_GE(refused, 1U);
  EXPECT_LE(refused, 5U) << "it spins";
  EXPECT_THAT(why, HasSubstr("too many open files"));
  EXPECT_TRUE(drive(loop, [&] { return server.accepted.size() == 1; }));
}

TEST(Listener, SharesAPortOnlyWhenAsked) {
  Loop loop;
  ListenSettings shared;
  shared.reuse_port = true;
  const Server first(loop, shared);
  const Address taken = first.listener->local();
  const auto second = Listener::open(loop, taken, shared, [](auto) {});
  EXPECT_TRUE(second.ok());
  const auto third = Listener::open(loop, taken, {}, [](auto) {});
  ASSERT_FALSE(third.ok());
  EXPECT_EQ(third.error(), "cannot listen on " + taken.text() + ": address already in use");
}

TEST(Listener, SaysWhyANameCannotBeListenedOn) {
  Loop loop;
  const auto opened = Listener::open(loop, {"no-such-host.invalid", 0}, {}, [](auto) {});
  ASSERT_FALSE(opened.ok());
  EXPECT_THAT(opened.error(), StartsWith("cannot listen on no-such-host.invalid:0: "));
}

TEST(Listener, MayBeDestroyedWhileItHandsOverAndItsChannelsLiveOn) {
  Loop loop;
  std::unique_ptr<Listener> listener;
  std::unique_ptr<Channel> accepted;
  listener = std::move(*Listener::open(loop, {"127.0.0.1", 0}, {}, [&](auto channel) {
    accepted = std::move(channel);
    listener.reset();
  }));
  const Address at = listener->local();
  Party near(std::move(*dial(loop, at)));
  ASSERT_TRUE(drive(loop, [&] { return accepted != nullptr; }));
  Party far(std::move(accepted));
  near.channel->write("still here");
  ASSERT_TRUE(drive(loop, [&] { return far.received == "still here"; }));
  EXPECT_EQ(dial(loop, at).error(), "connection refused");
}

TEST(Connections, HaveSocketsThatAChildProcessDoesNotInherit) {
  Loop loop;
  Pair pair(loop);
  int checked = 0;
  for (int fd = 3; fd < 64; ++fd) {
    struct stat what {};
    if (fstat(fd, &what) != 0 || !S_ISSOCK(what.st_mode)) continue;
    EXPECT_NE(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0) << fd;
    ++checked;
  }
  EXPECT_GE(checked, 3) << "listener and both ends";
}

// The two limits in seconds after which the kernel gives a silent peer up: nothing to say, and
// something said that is not acknowledged.
std::pair<int, int> silence_limits(int fd) {
  const auto option = [fd](int level, int name) {
    int value = 0;
    socklen_t length = sizeof value;
    EXPECT_EQ(getsockopt(fd, level, name, &value, &length), 0);
    return value;
  };
  if (option(SOL_SOCKET, SO_KEEPALIVE) == 0) return {0, 0};
  const int probes = option(IPPROTO_TCP, TCP_KEEPIDLE) +
                     option(IPPROTO_TCP, TCP_KEEPINTVL) * option(IPPROTO_TCP, TCP_KEEPCNT);
  return {probes, option(IPPROTO_TCP, TCP_USER_TIMEOUT) / 1000};
}

TEST(Connections, GiveUpPeersThatVanishedWithoutAWord) {
  const Endpoint any = literal_endpoints({"127.0.0.1", 0}).front();
  const auto listener = listen_on(any, 8, false, {});
  ASSERT_TRUE(listener.ok());
  const Endpoint at = local_endpoint(listener->get());
  const auto dialled = begin_connect(at, {});
  ASSERT_TRUE(dialled.ok());
  pollfd ready{listener->get(), POLLIN, 0};
  ASSERT_EQ(poll(&ready, 1, 20'000), 1);
  const Descriptor accepted(accept4(listener->get(), nullptr, nullptr, SOCK_CLOEXEC));
  EXPECT_EQ(silence_limits(dialled->get()), std::pair(60, 60));
  EXPECT_EQ(silence_limits(accepted.get()), std::pair(60, 60)) << "inherited";
}

// What TCP makes of a dial from the port it is meant for, which the kernel hands out as any other.
TEST(Connections, ToThemselvesAreToldFromOthers) {
  const Endpoint any = literal_endpoints({"127.0.0.1", 0}).front();
  const Descriptor loner(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(bind(loner.get(), any.raw(), any.length), 0);
  const Endpoint own = local_endpoint(loner.get());
  ASSERT_EQ(connect(loner.get(), own.raw(), own.length), 0);
  EXPECT_EQ(outcome_of_connect(loner.get()), ECONNREFUSED);

  const Descriptor listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(listen(listener.get(), 1), 0);
  const Endpoint at = local_endpoint(listener.get());
  const Descriptor other(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(connect(other.get(), at.raw(), at.length), 0);
  EXPECT_EQ(outcome_of_connect(other.get()), 0);
}

TEST(Dial, SaysWhyItFailed) {
  Loop loop;
  EXPECT_EQ(dial(loop, {"127.0.0.1", 1}).error(), "connection refused");
  EXPECT_THAT(dial(loop, {"no-such-host.invalid", 80}).error(),
              StartsWith("cannot resolve \"no-such-host.invalid\": "));
}

TEST(Dial, FindsLocalhostInEitherFamily) {
  Loop loop;
  std::vector<std::unique_ptr<Channel>> accepted;
  for (const char* host : {"127.0.0.1", "::1"}) {
    const auto listener = Listener::open(
        loop, {host, 0}, {}, [&](auto channel) { accepted.push_back(std::move(channel)); });
    if (!listener.ok()) GTEST_SKIP() << listener.error();
    const auto channel = dial(loop, {"localhost", (*listener)->local().port});
    ASSERT_TRUE(channel.ok()) << channel.error();
    EXPECT_EQ((*channel)->peer(), (*listener)->local());
  }
}

TEST(Dial, GivesUpSilentlyWhenDestroyed) {
  Loop loop;
  Server server(loop);
  const auto never = [](const auto&) { ADD_FAILURE() << "called after the destructor"; };
  for (const char* host : {"127.0.0.1", "no-such-host.invalid"}) {
    auto at_once = Dial::start(loop, {host, server.listener->local().port}, {}, never);
    at_once.reset();
    auto under_way = Dial::start(loop, {host, server.listener->local().port}, {}, never);
    loop.post([&] { under_way.reset(); });
    settle(loop);
  }
}

TEST(Dial, MayBeDestroyedInItsCallbackAndNeverCallsWithinStart) {
  Loop loop;
  Server server(loop);
  std::unique_ptr<Dial> good, bad;
  int calls = 0;
  good = Dial::start(loop, server.listener->local(), {}, [&](const auto& channel) {
    EXPECT_TRUE(channel.ok());
    ++calls;
    good.reset();
  });
  bad = Dial::start(loop, {"127.0.0.1", 1}, {}, [&](const auto& channel) {
    EXPECT_FALSE(channel.ok());
    ++calls;
    bad.reset();
  });
  EXPECT_EQ(calls, 0);
  ASSERT_TRUE(drive(loop, [&] { return calls == 2; }));
}

}  // namespace
}  // namespace phoenix::net

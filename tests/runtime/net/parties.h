// Both ends of connections on one loop, for tests: drives the loop until a condition holds, and
// users that remember what they were told.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "runtime/net/connect.h"

namespace phoenix::net {

// False when the condition did not come true in time.
template <class Condition>
bool drive(Loop& loop, Condition condition, Duration limit = std::chrono::seconds(20)) {
  const Time end = loop.now() + limit;
  while (!condition() && loop.now() < end) {
    loop.run_until(loop.now() + std::chrono::milliseconds(1));
  }
  return condition();
}

// Serves what is under way, for "nothing more happens".
inline void settle(Loop& loop) { loop.run_until(loop.now() + std::chrono::milliseconds(20)); }

// Consumes everything unless told otherwise; hooks act within callbacks.
class Party final : public ChannelUser {
 public:
  explicit Party(std::unique_ptr<Channel> to) : channel(std::move(to)) { channel->start(*this); }

  std::size_t on_bytes(std::string_view bytes) override {
    ++calls;
    const std::size_t used = consume ? consume(bytes) : bytes.size();
    received.append(bytes.substr(0, used));
    return used;
  }
  void on_drained() override {
    ++drained;
    if (when_drained) when_drained();
  }
  void on_closed(CloseReason reason, const std::string& detail) override {
    EXPECT_FALSE(closed) << "closed twice";
    closed = reason;
    why = detail;
    if (when_closed) when_closed();
  }

  std::unique_ptr<Channel> channel;
  std::function<std::size_t(std::string_view)> consume;
  std::function<void()> when_drained, when_closed;
  std::string received;
  int calls = 0;
  int drained = 0;
  std::optional<CloseReason> closed;
  std::string why;
};

// A listener on a free port of loopback, whose channels wait in `accepted`.
struct Server {
  explicit Server(Loop& on, ListenSettings settings = {}) : loop(on) {
    auto opened = Listener::open(loop, {"127.0.0.1", 0}, settings,
                                 [this](auto channel) { accepted.push_back(std::move(channel)); });
    EXPECT_TRUE(opened.ok()) << (opened.ok() ? "" : opened.error());
    listener = std::move(*opened);
  }
  std::unique_ptr<Channel> take() {
    if (accepted.empty()) return nullptr;
    auto channel = std::move(accepted.front());
    accepted.erase(accepted.begin());
    return channel;
  }

  Loop& loop;
  std::unique_ptr<Listener> listener;
  std::vector<std::unique_ptr<Channel>> accepted;
};

// The outcome of one dial, awaited.
inline Result<std::unique_ptr<Channel>> dial(Loop& loop, const Address& to,
                                             const DialSettings& settings = {}) {
  std::optional<Result<std::unique_ptr<Channel>>> outcome;
  const auto attempt = Dial::start(loop, to, settings, [&](auto got) { outcome = std::move(got); });
  if (!drive(loop, [&] { return outcome.has_value(); })) return Error{"the dial never ended"};
  return std::move(*outcome);
}

// Two connected parties.
struct Pair {
  explicit Pair(Loop& loop, ListenSettings listen = {}, DialSettings dialling = {})
      : server(loop, listen) {
    auto channel = dial(loop, server.listener->local(), dialling);
    EXPECT_TRUE(channel.ok()) << (channel.ok() ? "" : channel.error());
    EXPECT_TRUE(drive(loop, [&] { return !server.accepted.empty(); }));
    near = std::make_unique<Party>(std::move(*channel));
    far = std::make_unique<Party>(server.take());
  }
  Server server;
  std::unique_ptr<Party> near, far;
};

// Text whose every position can be told from its neighbours.
inline std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) {
    text[i] = static_cast<char>((i * 2654435761U) >> 13U);
  }
  return text;
}

}  // namespace phoenix::net

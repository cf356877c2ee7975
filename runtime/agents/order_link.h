// A line to a node or gateway by which a control plane gives orders and asks for figures: JSON over
// kControl frames. Redials by itself. On the loop's thread.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include <nlohmann/json.hpp>

#include "runtime/net/connect.h"
#include "runtime/net/loop.h"
#include "runtime/wire/frame_link.h"

namespace phoenix::agents {

class OrderLink final : private wire::LinkUser {
 public:
  using Json = nlohmann::json;
  // An answer, or null where the connection broke before it came.
  using OnAnswer = std::function<void(const Json& answer)>;
  // Bytes that came with the answer, behind its first line; views valid during the call.
  using OnBytes = std::function<void(const Json& answer, std::string_view bytes)>;

  struct Settings {
    net::Address address;
    wire::Role role = wire::Role::kOperator;  // decides what is obeyed
    std::string name;                         // of who gives the orders
    std::string token;
    net::DialSettings dial;
    Duration redial = std::chrono::milliseconds(20);
    Duration patience = Duration::max();  // without a connection for longer: as give_up()
  };

  OrderLink(net::Loop& loop, Settings settings);
  ~OrderLink() override;

  bool is_up() const { return link_ != nullptr; }
  // Sent in order; waits for the connection where there is none, up to kWaitingMax commands, the
  // oldest of which are then answered with null.
  void command(const Json& command, OnAnswer on_answer = nullptr) {
    send_text(command.dump(), std::move(on_answer));
  }
  void send_text(std::string command, OnAnswer on_answer = nullptr) {
    if (!on_answer) return ask(std::move(command), nullptr);
    ask(std::move(command),
        [then = std::move(on_answer)](const Json& answer, std::string_view) { then(answer); });
  }
  // `command` is one line of JSON, and bytes behind it.
  void ask(std::string command, OnBytes on_bytes);
  // Answers everything that waits with null; for a party that is gone.
  void give_up();

  static constexpr std::size_t kWaitingMax = 1'000;

 private:
  struct Waiting {
    std::string text;
    OnBytes on_bytes;
  };

  void dial();
  void on_dialled(Result<std::unique_ptr<net::Channel>> channel);
  void send(Waiting&& waiting);
  wire::FrameError on_frame(wire::FrameLink& link, const wire::Frame& frame) override;
  void on_link_closed(wire::FrameLink& link, const std::string& why) override;

  net::Loop& loop_;
  Settings settings_;
  net::Timer redial_;
  Time lost_since_;
  wire::LinkCounters counters_;
  std::unique_ptr<net::Dial> dial_;
  std::unique_ptr<wire::FrameLink> link_;
  std::deque<Waiting> waiting_;
  std::unordered_map<std::uint64_t, OnBytes> asked_;
  std::uint64_t next_id_ = 1;
};

}  // namespace phoenix::agents

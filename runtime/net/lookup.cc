#include "runtime/net/lookup.h"

#include <csignal>
#include <cstring>
#include <string>
#include <utility>

#include <netdb.h>

#include "runtime/net/loop_parts.h"

namespace phoenix::net {
namespace {

// A query for streams and what the system answers to it.
class Query {
 public:
  explicit Query(const Address& address)
      : host_(address.host), port_(std::to_string(address.port)) {
    hints_.ai_socktype = SOCK_STREAM;
    hints_.ai_flags = AI_ADDRCONFIG;
    block_.ar_name = host_.c_str();
    block_.ar_service = port_.c_str();
    block_.ar_request = &hints_;
  }
  ~Query() {
    if (block_.ar_result != nullptr) freeaddrinfo(block_.ar_result);
  }
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;

  gaicb* block() { return &block_; }

  Endpoints ask() {
    return answer(getaddrinfo(host_.c_str(), port_.c_str(), &hints_, &block_.ar_result));
  }

  Endpoints answer(int error) const {
    if (error != 0) return Error{"cannot resolve \"" + host_ + "\": " + gai_strerror(error)};
    std::vector<Endpoint> endpoints;
    for (const addrinfo* entry = block_.ar_result; entry != nullptr; entry = entry->ai_next) {
      Endpoint endpoint;
      std::memcpy(&endpoint.storage, entry->ai_addr, entry->ai_addrlen);
      endpoint.length = entry->ai_addrlen;
      endpoints.push_back(endpoint);
    }
    return endpoints;
  }

 private:
  std::string host_, port_;
  addrinfo hints_{};
  gaicb block_{};
};

}  // namespace

Endpoints look_up(const Address& address) {
  if (auto literal = literal_endpoints(address); !literal.empty()) return literal;
  return Query(address).ask();
}

struct Lookup::State {
  State(const Address& address, std::shared_ptr<Mailbox> to, std::function<void(Endpoints)> call)
      : query(address), mailbox(std::move(to)), done(std::move(call)) {}

  static void finish(const std::shared_ptr<State>& state, int error) {
    state->mailbox->post([state, error] {
      const auto call = std::exchange(state->done, nullptr);
      if (call) call(state->query.answer(error));
    });
  }

  Query query;
  std::shared_ptr<Mailbox> mailbox;
  std::function<void(Endpoints)> done;     // none once given up
  std::shared_ptr<State>* held = nullptr;  // what the system has of it
};

Lookup::Lookup(Loop& loop, const Address& address, std::function<void(Endpoints)> done)
    : state_(std::make_shared<State>(address, loop.parts().mailbox, std::move(done))) {
  auto* const held = new std::shared_ptr<State>(state_);  // by the system, until it is through
  state_->held = held;
  sigevent when_done{};
  when_done.sigev_notify = SIGEV_THREAD;
  when_done.sigev_value.sival_ptr = held;
  when_done.sigev_notify_function = [](sigval value) {
    const std::unique_ptr<std::shared_ptr<State>> mine(
        static_cast<std::shared_ptr<State>*>(value.sival_ptr));
    State::finish(*mine, gai_error((*mine)->query.block()));
  };
  gaicb* list[] = {state_->query.block()};
  const int error = getaddrinfo_a(GAI_NOWAIT, list, 1, &when_done);
  if (error == 0) return;
  state_->held = nullptr;
  delete held;
  State::finish(state_, error);
}

Lookup::~Lookup() {
  state_->done = nullptr;
  // What is cancelled had not begun, and is not told of.
  if (gai_cancel(state_->query.block()) == EAI_CANCELED) delete state_->held;
}

}  // namespace phoenix::net

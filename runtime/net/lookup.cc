#include "runtime/net/lookup.h"

#include <cstring>
#include <string>

#include <boost/asio/ip/tcp.hpp>

#include "runtime/net/native.h"

namespace phoenix::net {
namespace {

using Tcp = boost::asio::ip::tcp;
using Resolver = boost::asio::ip::basic_resolver<Tcp, Loop::Native::Executor>;

Endpoints endpoints_of(const Address& address, const boost::system::error_code& error,
                       const Resolver::results_type& results) {
  if (error) return Error{"cannot resolve \"" + address.host + "\": " + error.message()};
  std::vector<Endpoint> endpoints;
  for (const auto& entry : results) {
    const Tcp::endpoint from = entry.endpoint();
    Endpoint endpoint;
    std::memcpy(&endpoint.storage, from.data(), from.size());
    endpoint.length = static_cast<socklen_t>(from.size());
    endpoints.push_back(endpoint);
  }
  return endpoints;
}

}  // namespace

Endpoints look_up(Loop& loop, const Address& address) {
  if (auto literal = literal_endpoints(address); !literal.empty()) return literal;
  Resolver resolver(loop.native().context);
  boost::system::error_code error;
  const auto results = resolver.resolve(address.host, std::to_string(address.port), error);
  return endpoints_of(address, error, results);
}

struct Lookup::State {
  State(Loop& loop, std::function<void(Endpoints)> call)
      : resolver(loop.native().context), done(std::move(call)) {}
  Resolver resolver;
  std::function<void(Endpoints)> done;  // none once given up
};

Lookup::Lookup(Loop& loop, const Address& address, std::function<void(Endpoints)> done)
    : state_(std::make_shared<State>(loop, std::move(done))) {
  state_->resolver.async_resolve(
      address.host, std::to_string(address.port),
      [state = state_, address](const auto& error, const Resolver::results_type& results) {
        const auto call = std::exchange(state->done, nullptr);
        if (call) call(endpoints_of(address, error, results));
      });
}

Lookup::~Lookup() {
  state_->done = nullptr;
  state_->resolver.cancel();
}

}  // namespace phoenix::net

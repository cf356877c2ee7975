// An example of a handler from a shared object: counts the words of what it is sent, and how many
// it has seen in all, a number that moves with the agent.
//
//   phoenix-node --service words=plugin[file=libphoenix_wordcount.so]
//   curl --data 'to be or not to be' http://127.0.0.1:7080/     answers "6 words, 6 in all"
//
// Settings: shortest=N leaves out words of fewer letters.
#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include "runtime/node/handler.h"

namespace {

using phoenix::Error;
using phoenix::Result;
using phoenix::Status;
using phoenix::node::Call;
using phoenix::node::CallReply;

template <class Number>
bool read_number(std::string_view text, Number& number) {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  return error == std::errc{} && stop == end;
}

class WordCount final : public phoenix::node::Handler {
 public:
  explicit WordCount(std::size_t shortest) : shortest_(shortest) {}

  void handle(Call call) override {
    const std::uint64_t words = count(call.request().body);
    const std::uint64_t all = seen_.fetch_add(words) + words;
    CallReply reply;
    reply.headers = "Content-Type: text/plain\r\n";
    reply.body = std::to_string(words) + " words, " + std::to_string(all) + " in all\n";
    call.answer(std::move(reply));
  }

  Result<std::string> snapshot() override { return std::to_string(seen_.load()); }

  Status restore(std::string_view state) override {
    std::uint64_t seen = 0;
    if (!read_number(state, seen)) {
      return Error{"found \"" + std::string(state) + "\" where a number of words is expected"};
    }
    seen_ = seen;
    return phoenix::success();
  }

 private:
  std::uint64_t count(std::string_view text) const {
    constexpr const char* kSpace = " \t\r\n";
    std::uint64_t words = 0;
    while (!text.empty()) {
      text.remove_prefix(std::min(text.find_first_not_of(kSpace), text.size()));
      const std::size_t length = std::min(text.find_first_of(kSpace), text.size());
      if (length > 0 && length >= shortest_) ++words;
      text.remove_prefix(length);
    }
    return words;
  }

  std::size_t shortest_;
  std::atomic<std::uint64_t> seen_{0};
};

// The value of `key` in "a=1, b=2"; empty where it is not there.
std::string_view find_setting(std::string_view settings, std::string_view key) {
  while (!settings.empty()) {
    const std::size_t end = std::min(settings.find(", "), settings.size());
    const std::string_view setting = settings.substr(0, end);
    settings.remove_prefix(std::min(settings.size(), end + 2));
    if (setting.starts_with(key) && setting.substr(key.size(), 1) == "=") {
      return setting.substr(key.size() + 1);
    }
  }
  return {};
}

}  // namespace

extern "C" {

extern const int phoenix_handler_abi;
const int phoenix_handler_abi = phoenix::node::kHandlerAbi;

phoenix::node::Handler* phoenix_make_handler(const char* settings, char* error,
                                             std::size_t error_size) {
  const std::string_view text = find_setting(settings, "shortest");
  std::size_t shortest = 1;
  if (!text.empty() && !read_number(text, shortest)) {
    std::snprintf(error, error_size, "shortest = %.*s: must be a whole number",
                  static_cast<int>(text.size()), text.data());
    return nullptr;
  }
  return new WordCount(shortest);
}
}

#include "runtime/node/kv_handler.h"

#include <cassert>
#include <cstring>
#include <list>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "runtime/node/handler_makers.h"
#include "runtime/wire/bytes.h"

namespace phoenix::node {
namespace {

constexpr double kPairBytes = 64;
constexpr std::string_view kMagic = "phoenix-kv 1\n";
constexpr std::string_view kChangesMagic = "phoenix-kv changes 1\n";
constexpr std::size_t kChangesSpare = 1'000;  // beyond the pairs there are
constexpr std::string_view kFullNames[] = {"refuse", "evict"};

void append_text(std::string_view text, std::string& out) {
  wire::append(out, static_cast<std::uint32_t>(text.size()));
  out += text;
}

std::string_view take_text(wire::Reader& reader) {
  return reader.text(reader.number<std::uint32_t>());
}

void append_checksum(std::string& state) {
  wire::append(state, std::uint64_t{XXH3_64bits(state.data(), state.size())});
}

// What is between the magic word and the checksum.
Result<std::string_view> checked(std::string_view state, std::string_view magic) {
  constexpr std::size_t kSum = sizeof(std::uint64_t);
  if (!state.starts_with(magic)) return Error{"found no kv snapshot of version 1"};
  if (state.size() < magic.size() + 2 * kSum) return Error{"the kv snapshot is cut short"};
  const auto sum = wire::load<std::uint64_t>(state.data() + state.size() - kSum);
  state.remove_suffix(kSum);
  if (sum != XXH3_64bits(state.data(), state.size())) {
    return Error{"the kv snapshot is damaged: its checksum does not match"};
  }
  return state.substr(magic.size());
}

// Pairs in the order of their last use, the longest unused first. Notes which keys have changed,
// once asked to.
class Store {
 public:
  explicit Store(double memory) : memory_(memory) {}

  const std::string* find(std::string_view key) {
    const auto found = places_.find(key);
    if (found == places_.end()) return nullptr;
    pairs_.splice(pairs_.end(), pairs_, found->second);
    return &found->second->second;
  }

  bool erase(std::string_view key) {
    const auto found = places_.find(key);
    if (found == places_.end()) return false;
    const auto pair = found->second;
    note(key);
    bytes_ -= size_of(pair->first, pair->second);
    places_.erase(found);
    pairs_.erase(pair);
    return true;
  }

  // False where it does not fit; nothing has changed then.
  bool put(std::string_view key, std::string_view value, bool evict) {
    const std::string* old = find(key);
    const double old_bytes = old == nullptr ? 0 : size_of(key, *old);
    const double needed = size_of(key, value);
    if (needed > memory_ || (!evict && bytes_ - old_bytes + needed > memory_)) return false;
    erase(key);
    while (bytes_ + needed > memory_) erase(std::string(pairs_.front().first));
    pairs_.emplace_back(key, value);
    places_.emplace(pairs_.back().first, std::prev(pairs_.end()));
    bytes_ += needed;
    note(key);
    return true;
  }

  // From now on. Of too many changes none are kept: then everything has changed.
  void begin_changes() {
    is_noting_ = true;
    has_overrun_ = false;
    changed_.clear();
  }
  // Nothing where what has changed is not known key by key. Begins anew.
  std::optional<std::set<std::string>> take_changes() {
    const bool is_known = is_noting_ && !has_overrun_;
    std::set<std::string> changed = std::exchange(changed_, {});
    begin_changes();
    return is_known ? std::optional(std::move(changed)) : std::nullopt;
  }
  const std::string* peek(std::string_view key) const {
    const auto found = places_.find(key);
    return found == places_.end() ? nullptr : &found->second->second;
  }

  const std::list<std::pair<const std::string, std::string>>& pairs() const { return pairs_; }

 private:
  void note(std::string_view key) {
    if (!is_noting_ || has_overrun_) return;
    changed_.emplace(key);
    if (changed_.size() <= pairs_.size() + kChangesSpare) return;
    has_overrun_ = true;
    changed_.clear();
  }
  static double size_of(std::string_view key, std::string_view value) {
    return kPairBytes + static_cast<double>(key.size() + value.size());
  }

  using Pairs = std::list<std::pair<const std::string, std::string>>;
  double memory_;
  double bytes_ = 0;
  Pairs pairs_;
  std::unordered_map<std::string_view, Pairs::iterator> places_;  // keys live in pairs_
  std::set<std::string> changed_;
  bool is_noting_ = false;
  bool has_overrun_ = false;
};

struct KvRequest {
  char operation = 0;
  std::string_view key, value;
};

std::optional<KvRequest> read_request(const CallRequest& request) {
  if (!request.method.empty()) {
    const std::string& method = request.method;
    const char operation = method == "GET" || method == "HEAD" ? 'G'
                           : method == "PUT"                   ? 'P'
                           : method == "DELETE"                ? 'D'
                                                               : '?';
    return KvRequest{operation, request.target, request.body};
  }
  wire::Reader reader(request.body);
  KvRequest read;
  read.operation = reader.number<char>();
  read.key = reader.text(reader.number<std::uint16_t>());
  read.value = reader.rest();
  return reader.ok() ? std::optional(read) : std::nullopt;
}

CallReply status_reply(int status) {
  CallReply reply;
  reply.status = status;
  return reply;
}

class Kv final : public Handler {
 public:
  explicit Kv(const KvOptions& options) : options_(options), store_(options.memory) {}

  void handle(Call call) override {
    const std::optional<KvRequest> request = read_request(call.request());
    call.answer(request ? serve(*request) : status_reply(400));
  }

  Result<std::string> snapshot() override {
    store_.begin_changes();
    std::string state(kMagic);
    wire::append(state, std::uint64_t{store_.pairs().size()});
    for (const auto& [key, value] : store_.pairs()) {
      append_text(key, state);
      append_text(value, state);
    }
    append_checksum(state);
    return state;
  }

  Result<std::string> changes() override {
    const std::optional<std::set<std::string>> changed = store_.take_changes();
    if (!changed) return snapshot();
    std::string state(kChangesMagic);
    wire::append(state, std::uint64_t{changed->size()});
    for (const std::string& key : *changed) {
      const std::string* const value = store_.peek(key);
      wire::append(state, value == nullptr ? 'D' : 'P');
      append_text(key, state);
      append_text(value == nullptr ? "" : *value, state);
    }
    append_checksum(state);
    return state;
  }

  Status apply(std::string_view state) override {
    if (!state.starts_with(kChangesMagic)) return restore(state);
    const Result<std::string_view> inside = checked(state, kChangesMagic);
    if (!inside) return Error{inside.error()};
    wire::Reader reader(*inside);
    const auto count = reader.number<std::uint64_t>();
    for (std::uint64_t i = 0; i < count; ++i) {
      const char operation = reader.number<char>();
      const std::string_view key = take_text(reader), value = take_text(reader);
      if (!reader.ok()) return Error{"the kv changes are fewer than they say"};
      if (operation == 'D') {
        store_.erase(key);
      } else if (!store_.put(key, value, options_.evict)) {
        return Error{"the kv changes do not fit into memory=" + std::to_string(options_.memory)};
      }
    }
    return success();
  }

  void clear() override { store_ = Store(options_.memory); }

  Status restore(std::string_view state) override {
    const Result<std::string_view> inside = checked(state, kMagic);
    return inside ? read_pairs(*inside) : Status(Error{inside.error()});
  }

 private:
  Status read_pairs(std::string_view state) {
    Store restored(options_.memory);
    wire::Reader reader(state);
    const auto count = reader.number<std::uint64_t>();
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::string_view key = take_text(reader), value = take_text(reader);
      if (!reader.ok()) return Error{"the kv snapshot holds fewer pairs than it says"};
      if (!restored.put(key, value, options_.evict)) {
        return Error{"the kv snapshot does not fit into memory=" + std::to_string(options_.memory)};
      }
    }
    if (!reader.at_end()) return Error{"the kv snapshot holds more pairs than it says"};
    store_ = std::move(restored);
    return success();
  }

  CallReply serve(const KvRequest& request) {
    switch (request.operation) {
      case 'G': {
        const std::string* value = store_.find(request.key);
        if (value == nullptr) return status_reply(404);
        CallReply reply = status_reply(200);
        reply.headers = "Content-Type: application/octet-stream\r\n";
        reply.body = *value;
        return reply;
      }
      case 'P': {
        const bool is_new = store_.find(request.key) == nullptr;
        if (!store_.put(request.key, request.value, options_.evict)) return status_reply(507);
        return status_reply(is_new ? 201 : 204);
      }
      case 'D':
        return status_reply(store_.erase(request.key) ? 204 : 404);
      default: {
        CallReply reply = status_reply(405);
        reply.headers = "Allow: GET, HEAD, PUT, DELETE\r\n";
        return reply;
      }
    }
  }

  KvOptions options_;
  Store store_;
};

struct KvSettings {
  KvOptions options;
  int full = 0;
  void visit(SettingVisitor& v) {
    v.number("memory", options.memory, 1024, 1e12, "bytes of keys and values at most");
    v.choice("full", full, kFullNames, "what a value does that does not fit any more");
  }
};

}  // namespace

std::unique_ptr<Handler> make_kv_handler(const KvOptions& options) {
  return std::make_unique<Kv>(options);
}

std::string encode_kv(char operation, std::string_view key, std::string_view value) {
  assert(key.size() < 0x10000);
  std::string body(1, operation);
  wire::append(body, static_cast<std::uint16_t>(key.size()));
  body += key;
  body += value;
  return body;
}

Result<MadeHandler> make_kv(const SettingsText& text, const HandlerContext&) {
  KvSettings settings;
  const VisitFunction visit = [&](SettingVisitor& v) { settings.visit(v); };
  if (Status applied = apply_settings(text, visit); !applied) return Error{applied.error()};
  settings.options.evict = kFullNames[settings.full] == "evict";
  MadeHandler made;
  made.handler = make_kv_handler(settings.options);
  made.text = print_settings(text.name, visit);
  return made;
}

std::vector<SettingInfo> kv_settings() {
  KvSettings settings;
  return list_settings([&](SettingVisitor& v) { settings.visit(v); });
}

}  // namespace phoenix::node

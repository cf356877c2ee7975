#include "runtime/node/handlers.h"

#include <algorithm>
#include <utility>

#include "runtime/http/message.h"
#include "runtime/node/handler_makers.h"

namespace phoenix::node {
namespace {

class Echo final : public Handler {
 public:
  void handle(Call call) override {
    CallReply reply;
    const CallRequest& request = call.request();
    if (const auto type = http::find_header(request.headers, "Content-Type")) {
      reply.headers = "Content-Type: " + std::string(*type) + "\r\n";
    }
    reply.body = request.body;
    call.answer(std::move(reply));
  }
};

struct Entry {
  const char* name;
  const char* summary;
  MakeFromText make;
  std::vector<SettingInfo> (*settings)();
};

std::vector<SettingInfo> no_settings() { return {}; }

constexpr Entry kEntries[] = {
    {"synthetic", "pretends to work as the request's body asks", make_synthetic,
     synthetic_settings},
    {"echo", "answers with the request's body", make_echo, no_settings},
    {"kv", "keeps values by key in memory", make_kv, kv_settings},
    {"http", "forwards to a local HTTP/1.1 server", make_http, http_settings},
    {"plugin", "a handler from a shared object", make_plugin, plugin_settings},
};

// http:HOST:PORT is short for http[server=HOST:PORT].
std::string in_full(std::string_view text) {
  constexpr std::string_view kShort = "http:";
  if (!text.starts_with(kShort)) return std::string(text);
  return "http[server=" + std::string(text.substr(kShort.size())) + "]";
}

}  // namespace

Result<MadeHandler> make_echo(const SettingsText& text, const HandlerContext&) {
  NoOptions none;
  if (Status applied = apply_settings(text, [&](SettingVisitor& v) { none.visit(v); }); !applied) {
    return Error{applied.error()};
  }
  MadeHandler made;
  made.handler = std::make_unique<Echo>();
  made.text = text.name;
  return made;
}

std::string take_setting(SettingsText& text, std::string_view key) {
  const auto found = std::find_if(text.settings.begin(), text.settings.end(),
                                  [key](const auto& setting) { return setting.first == key; });
  if (found == text.settings.end()) return {};
  std::string value = std::move(found->second);
  text.settings.erase(found);
  return value;
}

Result<MadeHandler> make_handler(std::string_view text, const HandlerContext& context) {
  const Result<SettingsText> parsed = parse_settings_text(in_full(text));
  std::vector<std::string> known;
  for (const Entry& entry : kEntries) known.emplace_back(entry.name);
  if (!parsed) return Error{"handler: " + parsed.error()};
  for (const Entry& entry : kEntries) {
    if (entry.name == parsed->name) return entry.make(*parsed, context);
  }
  return unknown_strategy("handler", parsed->name, known);
}

std::vector<HandlerInfo> list_handlers() {
  std::vector<HandlerInfo> infos;
  for (const Entry& entry : kEntries) {
    infos.push_back({entry.name, entry.summary, entry.settings()});
  }
  return infos;
}

}  // namespace phoenix::node

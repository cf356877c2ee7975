// One maker per built-in handler; handlers.cc lists them. Each reads its own settings.
#pragma once

#include <algorithm>
#include <string>

#include "runtime/node/handlers.h"

namespace phoenix::node {

using MakeFromText = Result<MadeHandler> (*)(const SettingsText&, const HandlerContext&);

Result<MadeHandler> make_synthetic(const SettingsText& text, const HandlerContext& context);
Result<MadeHandler> make_echo(const SettingsText& text, const HandlerContext& context);
Result<MadeHandler> make_kv(const SettingsText& text, const HandlerContext& context);
Result<MadeHandler> make_http(const SettingsText& text, const HandlerContext& context);
Result<MadeHandler> make_plugin(const SettingsText& text, const HandlerContext& context);

std::vector<SettingInfo> synthetic_settings();
std::vector<SettingInfo> kv_settings();
std::vector<SettingInfo> http_settings();
std::vector<SettingInfo> plugin_settings();

// Settings whose value is free text are no part of the visitors: takes one out of the text; empty
// where it is not there.
std::string take_setting(SettingsText& text, std::string_view key);

// What services on worker threads have in common.
struct ThreadOptions {
  int at_once = 1;
  int queue = 512;
  void visit(SettingVisitor& v) {
    v.integer("at_once", at_once, 1, 1024, "requests in service at once; 1: one after another");
    v.integer("queue", queue, 0, 1'000'000, "requests that may wait beyond those");
  }
};

// Whether `text` asks for one after another; on a node with one core that is what happens unasked,
// too.
inline bool is_fifo(const SettingsText& text, const ThreadOptions& threads) {
  const bool is_written = std::any_of(text.settings.begin(), text.settings.end(),
                                      [](const auto& one) { return one.first == "at_once"; });
  return is_written && threads.at_once == 1;
}

}  // namespace phoenix::node

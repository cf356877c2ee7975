// Handlers from shared objects: loaded once, checked for their ABI, their exceptions kept inside.
#include <array>
#include <exception>
#include <memory>

#include <dlfcn.h>

#include "runtime/node/handler_makers.h"

namespace phoenix::node {
namespace {

struct CloseLibrary {
  void operator()(void* library) const { ::dlclose(library); }
};
using Library = std::unique_ptr<void, CloseLibrary>;

class Plugin final : public Handler {
 public:
  Plugin(Library library, std::unique_ptr<Handler> handler)
      : library_(std::move(library)), handler_(std::move(handler)) {}

  void handle(Call call) override {
    try {
      handler_->handle(std::move(call));
    } catch (...) {
      // The call was given away: it has been answered, or answers 500 as the stack unwinds.
    }
  }
  Result<std::string> snapshot() override {
    return guarded([&] { return handler_->snapshot(); });
  }
  Status restore(std::string_view state) override {
    return guarded([&] { return handler_->restore(state); });
  }
  Result<std::string> changes() override {
    return guarded([&] { return handler_->changes(); });
  }
  Status apply(std::string_view changes) override {
    return guarded([&] { return handler_->apply(changes); });
  }
  void clear() override {
    static_cast<void>(guarded([&]() -> Status {
      handler_->clear();
      return success();
    }));
  }

 private:
  template <class Ask>
  static auto guarded(Ask ask) -> decltype(ask()) {
    try {
      return ask();
    } catch (const std::exception& error) {
      return Error{std::string("the plug-in failed: ") + error.what()};
    } catch (...) {
      return Error{"the plug-in failed"};
    }
  }

  Library library_;  // before the handler, whose code it holds
  std::unique_ptr<Handler> handler_;
};

Error failed(const std::string& file, const std::string& why) {
  return Error{"plugin: file = " + file + ": " + why};
}

std::string dynamic_error() {
  const char* why = ::dlerror();
  return why == nullptr ? "cannot be loaded" : why;
}

Result<std::unique_ptr<Handler>> load(const std::string& file, const std::string& settings) {
  Library library(::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL));
  if (library == nullptr) return failed(file, dynamic_error());
  const auto* abi = static_cast<const int*>(::dlsym(library.get(), "phoenix_handler_abi"));
  if (abi == nullptr) return failed(file, "does not export phoenix_handler_abi");
  if (*abi != kHandlerAbi) {
    return failed(file, "found handler ABI " + std::to_string(*abi) + ", this node takes " +
                            std::to_string(kHandlerAbi));
  }
  const auto make = reinterpret_cast<MakeHandler>(::dlsym(library.get(), "phoenix_make_handler"));
  if (make == nullptr) return failed(file, "does not export phoenix_make_handler");
  std::array<char, 512> error{};
  std::unique_ptr<Handler> handler;
  try {
    handler.reset(make(settings.c_str(), error.data(), error.size() - 1));
  } catch (...) {
    return failed(file, "phoenix_make_handler threw an exception");
  }
  if (handler == nullptr) {
    return failed(file, error[0] == '\0' ? "refused its settings" : error.data());
  }
  return std::unique_ptr<Handler>(std::make_unique<Plugin>(std::move(library), std::move(handler)));
}

std::string join(const SettingsText& text) {
  std::string joined;
  for (const auto& [key, value] : text.settings) {
    if (!joined.empty()) joined += ", ";
    joined += key + "=" + value;
  }
  return joined;
}

}  // namespace

Result<MadeHandler> make_plugin(const SettingsText& text, const HandlerContext& context) {
  ThreadOptions threads{context.cores, context.queue};
  SettingsText own{text.name, {}};
  SettingsText others = text;  // for the plug-in, which knows them
  for (const char* key : {"at_once", "queue"}) {
    if (const std::string value = take_setting(others, key); !value.empty()) {
      own.settings.emplace_back(key, value);
    }
  }
  const VisitFunction visit = [&](SettingVisitor& v) { threads.visit(v); };
  if (Status applied = apply_settings(own, visit); !applied) return Error{applied.error()};
  const std::string settings = join(others);
  const std::string file = take_setting(others, "file");
  if (file.empty()) return Error{"plugin: the setting file, a shared object, is missing"};
  Result<std::unique_ptr<Handler>> handler = load(file, settings);
  if (!handler) return Error{handler.error()};
  MadeHandler made;
  made.handler = std::move(*handler);
  made.text = "plugin[" + settings + ", at_once=" + std::to_string(threads.at_once) +
              ", queue=" + std::to_string(threads.queue) + "]";
  made.place = Place::kThreads;
  made.at_once = threads.at_once;
  made.is_fifo = is_fifo(own, threads);
  made.queue = threads.queue;
  return made;
}

std::vector<SettingInfo> plugin_settings() {
  ThreadOptions threads;
  std::vector<SettingInfo> settings = {
      {"file", "", "path of a shared object", "exports phoenix_make_handler; sees all settings"}};
  for (SettingInfo& info : list_settings([&](SettingVisitor& v) { threads.visit(v); })) {
    settings.push_back(std::move(info));
  }
  return settings;
}

}  // namespace phoenix::node

#include "runtime/provision/hook_run.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "runtime/net/address.h"
#include "strategies/core/units.h"

namespace phoenix::provision {
namespace {

constexpr int kPermanentCode = 3;
constexpr std::size_t kOutputMax = 1024 * 1024;
constexpr std::size_t kWordsMax = 300;

std::string printable(std::string_view line) {
  std::string text(line.substr(0, kWordsMax));
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; }, ' ');
  return text;
}

std::string address_in(std::string_view line) {
  if (!line.starts_with('{')) return "";
  const nlohmann::json said = nlohmann::json::parse(line, nullptr, false);
  if (!said.is_object() || !said.contains("address") || !said["address"].is_string()) return "";
  const auto address = net::Address::parse(said["address"].get<std::string>());
  return address ? address->text() : "";
}

}  // namespace

Result<std::unique_ptr<HookRun>> HookRun::start(net::Loop& loop, const HookSpec& spec,
                                                std::function<void(HookEnd)> done) {
  std::unique_ptr<HookRun> run(new HookRun(loop, spec, std::move(done)));
  HookRun* self = run.get();
  ChildSpec child;
  child.arguments = spec.arguments;
  child.environment = spec.environment;
  child.on_error_line = [self](std::string_view line) { self->on_error_line(line); };
  auto process = Child::start(
      loop, child, [self](std::string_view line) { self->on_line(line); },
      [self](const ChildEnd& end) { self->on_end(end); });
  if (!process) return Error{process.error()};
  run->process_ = std::move(*process);
  run->timeout_.arm(add_saturating(loop.now(), spec.timeout));
  return run;
}

HookRun::HookRun(net::Loop& loop, const HookSpec& spec, std::function<void(HookEnd)> done)
    : kill_grace_(spec.kill_grace),
      done_(std::move(done)),
      timeout_(loop, [this, limit = spec.timeout] {
        give_up("did not end within " + print_duration(limit));
      }) {}

bool HookRun::may_go_on(std::string_view line) {
  output_bytes_ += line.size() + 1;
  if (output_bytes_ <= kOutputMax) return true;
  give_up("wrote more than " + print_bytes(kOutputMax));
  return false;
}

void HookRun::on_line(std::string_view line) {
  if (may_go_on(line) && address_.empty()) address_ = address_in(line);
}

void HookRun::on_error_line(std::string_view line) {
  if (may_go_on(line) && line.find_first_not_of(" \t\r") != std::string_view::npos) {
    last_words_ = printable(line);
  }
}

void HookRun::give_up(const std::string& why) {
  if (!given_up_.empty()) return;
  given_up_ = why;
  process_->terminate(kill_grace_);
}

void HookRun::on_end(const ChildEnd& end) {
  HookEnd result;
  result.why = given_up_.empty() ? end.text() : given_up_;
  if (!last_words_.empty()) result.why += ": " + last_words_;
  result.address = address_;
  if (given_up_.empty() && end.is_success()) result.kind = HookEnd::Kind::kDone;
  if (given_up_.empty() && end.exit_code == kPermanentCode) result.kind = HookEnd::Kind::kPermanent;
  const std::function<void(HookEnd)> done = done_;
  done(std::move(result));
}

}  // namespace phoenix::provision

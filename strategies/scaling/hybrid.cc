#include <algorithm>
#include <array>

#include "strategies/scaling/nested.h"
#include "strategies/scaling/scaler.h"
#include "strategies/scaling/sizing.h"

namespace phoenix {
namespace {

constexpr std::array<std::string_view, 4> kSources = {"reactive", "predictive", "scheduled",
                                                      "event"};

struct HybridOptions {
  std::array<std::string, 4> texts = {
      "target_tracking[scale_in_after=5 min]",
      "predictive[interval=15 s, buffer=0, extra=0, horizon=10 min]", "scheduled", "event_driven"};

  void visit(SettingVisitor& v) {
    v.text(kSources[0], texts[0], "a scaler or none", "answers to what is measured now");
    v.text(kSources[1], texts[1], "a scaler or none", "answers to what is forecast");
    v.text(kSources[2], texts[2], "a scaler or none", "what the calendar asks for");
    v.text(kSources[3], texts[3], "a scaler or none", "what events ask for");
  }
};

// The largest wish wins and is named. A silent source is left out; when all are silent the cluster
// is held as it is.
class Hybrid : public Scaler {
 public:
  Hybrid(std::vector<std::unique_ptr<Scaler>> scalers, std::vector<std::string_view> names)
      : scalers_(std::move(scalers)), names_(std::move(names)) {}

  Duration interval() const override { return shortest_interval(scalers_); }

  void on_event(const ExternalEvent& event) override {
    for (const auto& scaler : scalers_) scaler->on_event(event);
  }

  ScalingWish wish(const ScalingView& view) override {
    ScalingWish wish;
    wish.reason = "hybrid: every source is silent";
    for (std::size_t i = 0; i < scalers_.size(); ++i) {
      const ScalingWish source = scalers_[i]->wish(view);
      wish.blocks_scale_in = wish.blocks_scale_in || source.blocks_scale_in;
      if (source.most != ScalingWish::kNone) {
        wish.most =
            wish.most == ScalingWish::kNone ? source.most : std::min(wish.most, source.most);
      }
      if (source.desired == ScalingWish::kNone) continue;
      wish.seen += (wish.seen.empty() ? "" : ", ") + std::string(names_[i]) + ' ' +
                   std::to_string(source.desired);
      if (source.desired <= wish.desired) continue;
      wish.desired = source.desired;
      wish.reason = "hybrid: " + std::string(names_[i]) + " wins, " + source.reason;
    }
    return wish;
  }

 private:
  std::vector<std::unique_ptr<Scaler>> scalers_;
  std::vector<std::string_view> names_;
};

Result<MadeScaler> make_hybrid(const SettingsText& text) {
  HybridOptions options;
  const VisitFunction visit = [&](SettingVisitor& v) { options.visit(v); };
  if (Status applied = apply_settings(text, visit); !applied) return Error{applied.error()};
  std::vector<std::unique_ptr<Scaler>> scalers;
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < kSources.size(); ++i) {
    if (options.texts[i] == "none") continue;
    Result<std::unique_ptr<Scaler>> made = make_nested(options.texts[i]);
    if (!made) return Error{"hybrid: " + made.error()};
    scalers.push_back(std::move(*made));
    names.push_back(kSources[i]);
  }
  if (scalers.empty()) return Error{"hybrid: at least one source must not be none"};
  return MadeScaler{std::make_unique<Hybrid>(std::move(scalers), std::move(names)),
                    print_settings("hybrid", visit)};
}

}  // namespace

ScalerEntry hybrid_scaler() {
  return {"hybrid", "the largest of what is measured, forecast, scheduled and asked for by events",
          [] {
            HybridOptions options;
            return list_settings([&](SettingVisitor& v) { options.visit(v); });
          },
          make_hybrid};
}

}  // namespace phoenix

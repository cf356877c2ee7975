#include <algorithm>
#include <array>

#include "strategies/scaling/nested.h"
#include "strategies/scaling/scaler.h"

namespace phoenix {
namespace {

enum Combination { kAny, kAll, kMajority };
constexpr std::array<std::string_view, 3> kCombinations = {"any", "all", "majority"};

struct CompositeOptions {
  std::vector<std::string> sub_policies;
  int combination_strategy = kAny;

  void visit(SettingVisitor& v) {
    v.list("sub_policies", sub_policies, "scalers", "whose wishes are combined");
    v.choice("combination_strategy", combination_strategy, kCombinations,
             "how many have to want the same direction");
  }
};

// What the sub-policies want, by direction. Of several sizes the largest is taken, both ways: out
// that is the most cautious for the service, in it is the least that all can live with.
struct Votes {
  int out = 0;
  int in = 0;
  int known = 0;
  int largest_out = 0;
  int largest_in = 0;
  std::string reasons_out;
  std::string reasons_in;

  void count(const ScalingWish& wish, int current) {
    if (wish.desired == ScalingWish::kNone) return;
    ++known;
    if (wish.desired > current) {
      ++out;
      largest_out = std::max(largest_out, wish.desired);
      reasons_out += (reasons_out.empty() ? "" : "; ") + wish.reason;
    } else if (wish.desired < current) {
      ++in;
      largest_in = std::max(largest_in, wish.desired);
      reasons_in += (reasons_in.empty() ? "" : "; ") + wish.reason;
    }
  }
};

// An unknown sub-policy agrees to nothing. Out beats in.
class Composite : public Scaler {
 public:
  Composite(std::vector<std::unique_ptr<Scaler>> scalers, int combination)
      : scalers_(std::move(scalers)), combination_(combination) {}

  Duration interval() const override { return shortest_interval(scalers_); }

  void on_event(const ExternalEvent& event) override {
    for (const auto& scaler : scalers_) scaler->on_event(event);
  }

  ScalingWish wish(const ScalingView& view) override {
    const int current = view.capacity.supply();
    Votes votes;
    ScalingWish wish;
    for (const auto& scaler : scalers_) {
      const ScalingWish sub = scaler->wish(view);
      votes.count(sub, current);
      wish.blocks_scale_in = wish.blocks_scale_in || sub.blocks_scale_in;
      if (sub.most != ScalingWish::kNone) {
        wish.most = wish.most == ScalingWish::kNone ? sub.most : std::min(wish.most, sub.most);
      }
      if (!sub.seen.empty()) wish.seen += (wish.seen.empty() ? "" : "; ") + sub.seen;
    }
    const std::string name =
        "composite " + std::string(kCombinations[static_cast<std::size_t>(combination_)]);
    if (suffices(votes.out)) {
      wish.desired = votes.largest_out;
      wish.reason = name + ": " + votes.reasons_out;
    } else if (suffices(votes.in)) {
      wish.desired = votes.largest_in;
      wish.reason = name + ": " + votes.reasons_in;
    } else {
      wish.desired = votes.known > 0 ? current : ScalingWish::kNone;
      wish.reason = name + ": " + std::to_string(votes.out) + " want more, " +
                    std::to_string(votes.in) + " fewer, of " + std::to_string(scalers_.size());
    }
    return wish;
  }

 private:
  bool suffices(int votes) const {
    const int all = static_cast<int>(scalers_.size());
    if (combination_ == kAny) return votes > 0;
    return combination_ == kAll ? votes == all : 2 * votes > all;
  }

  std::vector<std::unique_ptr<Scaler>> scalers_;
  int combination_;
};

Result<MadeScaler> make_composite(const SettingsText& text) {
  CompositeOptions options;
  const VisitFunction visit = [&](SettingVisitor& v) { options.visit(v); };
  if (Status applied = apply_settings(text, visit); !applied) return Error{applied.error()};
  if (options.sub_policies.empty()) return Error{"composite: sub_policies must not be empty"};
  std::vector<std::unique_ptr<Scaler>> scalers;
  for (std::string& sub : options.sub_policies) {
    Result<std::unique_ptr<Scaler>> made = make_nested(sub);
    if (!made) return Error{"composite: " + made.error()};
    scalers.push_back(std::move(*made));
  }
  return MadeScaler{std::make_unique<Composite>(std::move(scalers), options.combination_strategy),
                    print_settings("composite", visit)};
}

}  // namespace

ScalerEntry composite_scaler() {
  return {"composite", "combines other scalers: any, all or the majority must want it",
          [] {
            CompositeOptions options;
            return list_settings([&](SettingVisitor& v) { options.visit(v); });
          },
          make_composite};
}

}  // namespace phoenix

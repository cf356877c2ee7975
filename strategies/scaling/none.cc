#include "strategies/scaling/scaler.h"

namespace phoenix {
namespace {

class NoScaling : public Scaler {
 public:
  explicit NoScaling(NoOptions) {}

  ScalingWish wish(const ScalingView& view) override {
    ScalingWish wish;
    wish.desired = view.capacity.supply();
    wish.reason = "none: leaves the number of nodes as it is";
    return wish;
  }
};

}  // namespace

ScalerEntry no_scaling() {
  return strategy_entry<Scaler, NoScaling, NoOptions>("none",
                                                      "leaves the number of nodes as it is");
}

}  // namespace phoenix

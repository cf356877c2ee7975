// What every scaler in the registry promises: it prints itself in full, takes any input without
// harm, makes no wish out of what is not known, and answers the same to the same.
#include <chrono>

#include <gmock/gmock.h>

#include "strategies/core/random.h"
#include "tests/strategies/scaling_fixture.h"

namespace phoenix {
namespace {

using phoenix::testing::at_s;
using phoenix::testing::FakeForecast;
using phoenix::testing::Scene;
using std::chrono::seconds;
using ::testing::HasSubstr;

// With default settings; those that need some get the least.
std::string text_of(const std::string& name) {
  return name == "composite" ? "composite[sub_policies=[threshold, queue]]" : name;
}

class EveryScaler : public ::testing::TestWithParam<std::string> {
 protected:
  std::unique_ptr<Scaler> made() const { return phoenix::testing::scaler_of(text_of(GetParam())); }
};

std::vector<std::string> names() {
  std::vector<std::string> names;
  for (const ScalerEntry& entry : scalers()) names.push_back(entry.name);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Registry, EveryScaler, ::testing::ValuesIn(names()),
                         [](const auto& which) { return which.param; });

TEST_P(EveryScaler, PrintsItselfInFullAndReadsBack) {
  const Result<MadeScaler> made = make_scaler(text_of(GetParam()));
  ASSERT_TRUE(made.ok()) << made.error();
  const Result<MadeScaler> again = make_scaler(made->text);
  ASSERT_TRUE(again.ok()) << again.error();
  EXPECT_EQ(again->text, made->text);
}

TEST_P(EveryScaler, SettingsAreListedWithTheirDefaults) {
  for (const ScalerEntry& entry : scalers()) {
    if (entry.name != GetParam()) continue;
    EXPECT_FALSE(entry.summary.empty());
    for (const SettingInfo& setting : entry.settings()) {
      EXPECT_FALSE(setting.default_text.empty()) << setting.key;
      EXPECT_FALSE(setting.help.empty()) << setting.key;
    }
  }
  EXPECT_THAT(phoenix::testing::error_of(GetParam() + "[no_such=1]"), HasSubstr("no_such"));
}

TEST_P(EveryScaler, KnowsNothingAndWishesForNoOtherSize) {
  for (const int nodes : {1, 2, 10'000}) {
    Scene scene(nodes);
    const ScalingWish wish = made()->wish(scene.seen());
    EXPECT_TRUE(wish.desired == ScalingWish::kNone || wish.desired == nodes) << wish.reason;
  }
  Scene empty(0);
  EXPECT_LE(made()->wish(empty.seen()).desired, 0);
}

// A day of arbitrary measurements, some of them missing, infinite or absurd.
std::vector<int> live(Scaler& scaler, std::uint64_t seed) {
  Random chance(seed, 3);
  FakeForecast forecast;
  std::vector<int> wishes;
  const double odd[] = {std::nan(""), std::numeric_limits<double>::infinity(), -1, 0, 1e300};
  forecast.path = [&](int, double) {
    return chance.below(4) == 0 ? odd[chance.below(5)] : 2000 * chance.uniform();
  };
  Scene scene(5);
  scene.view.node_capacity_per_s = 100;
  scene.view.boot_time = seconds(90);
  scene.view.forecast = &forecast;
  scene.view.forecast_step = seconds(60);
  for (int i = 0; i < 500; ++i) {
    scene.view.now = at_s(i * 30);
    for (const std::string_view name :
         {metric::kCpu, metric::kMemory, metric::kArrivalRate, metric::kQueueLength,
          metric::kProcessingRate, metric::kInFlight}) {
      const double value =
          chance.below(5) == 0 ? odd[chance.below(5)] : 1000 * chance.uniform() * chance.uniform();
      scene.metrics.set(name, name == metric::kCpu ? value / 1000 : value, scene.view.now);
    }
    if (chance.below(50) == 0) scaler.on_event({"any", scene.view.now, 7, 0, seconds(100)});
    forecast.trusted = chance.below(3) > 0;
    scene.view.capacity.ready = static_cast<int>(chance.below(40));
    scene.view.capacity.provisioning = static_cast<int>(chance.below(5));
    const ScalingWish wish = scaler.wish(scene.seen());
    EXPECT_GE(wish.desired, ScalingWish::kNone);
    EXPECT_LE(wish.desired, 1'000'000);
    EXPECT_FALSE(wish.desired != ScalingWish::kNone && wish.reason.empty());
    wishes.push_back(wish.desired);
  }
  return wishes;
}

TEST_P(EveryScaler, AnyInputGivesAFiniteWishAndTheSameOneEachTime) {
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    EXPECT_EQ(live(*made(), seed), live(*made(), seed));
  }
}

TEST(ScalerRegistry, NamesAreUniqueAndMisspeltOnesAreMet) {
  std::vector<std::string> known = names();
  std::sort(known.begin(), known.end());
  EXPECT_EQ(std::adjacent_find(known.begin(), known.end()), known.end());
  EXPECT_THAT(phoenix::testing::error_of("hybird"), HasSubstr("did you mean \"hybrid\"?"));
}

}  // namespace
}  // namespace phoenix

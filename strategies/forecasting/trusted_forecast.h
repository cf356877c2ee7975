// The load forecast that the control plane is given: a calibrated forecaster, and a judgement of
// whether it deserves to be acted upon. Scalers, which know only LoadForecast, fall back on what
// they measure while it does not.
//
// The rule, as far ahead as a node takes to boot, where scalers ask first: the pinball loss at 0.9
// is at most 10 % above that of an equally calibrated seasonal naive forecast, and the 90 %
// interval covered at least 85 %. Both over a sliding season, and at least sixty forecasts that do
// not overlap: errors of those that do are alike, and a bad quarter of an hour is not a bad
// forecaster. Covering too much is wasteful but no reason for distrust: a constant load is always
// covered. While the forecaster itself does worse than that, the seasonal naive forecast stands in
// for it, until it is within 5 %: so it is where peaks are narrow and punctual. What is judged is
// what was told, and the reason says who told it.
//
// One thread at a time. No allocation once warmed up, but for the text.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "strategies/forecasting/calibrated_forecast.h"
#include "strategies/forecasting/load_forecast.h"

namespace phoenix {

struct TrustOptions {
  int period = 288;  // steps of a season
  int judged = 0;    // steps ahead at which it is judged; 0: the farthest
  CalibrationOptions calibration;
};

class TrustedForecast : public LoadForecast {
 public:
  TrustedForecast(std::unique_ptr<Forecaster> model, const TrustOptions& options);

  void observe(double value) override;
  double mean(int steps) const override { return told().mean(steps); }
  double quantile(int steps, double q) const override { return told().quantile(steps, q); }
  bool is_trusted() const override;
  std::string trust_reason() const override;

  // Shares of the sliding window; NaN before anything was scored.
  double coverage() const;
  double loss_ratio() const;  // of what was told to the seasonal naive's; below 1 is better

  const CalibratedForecast& calibrated() const { return model_; }

 private:
  struct Scored {
    double loss = 0;  // of what was told
    double model_loss = 0;
    double naive_loss = 0;
    double value = 0;
    double covered = 0;  // 1 or 0
  };
  struct Issued {
    double low = 0;
    double high = 0;
    double bound = 0;  // as it was told
    double model_bound = 0;
    double naive_bound = 0;
    bool is_set = false;
  };

  const CalibratedForecast& told() const { return stands_in_ ? naive_ : model_; }
  void score(double value);
  static void add(Scored& sums, const Scored& scored, double sign);
  bool has_enough() const;
  double ratio_of(double loss) const;

  TrustOptions options_;
  CalibratedForecast model_;
  CalibratedForecast naive_;
  std::vector<Issued> issued_;
  std::size_t next_issued_ = 0;
  std::vector<Scored> scored_;
  std::size_t next_scored_ = 0;
  std::size_t count_ = 0;
  Scored sums_;
  bool stands_in_ = false;  // the seasonal naive forecast does
};

// Of the mixture, for seasons of `period` and `period2` steps (0 for none), judged as TrustOptions
// say. REQUIRES: what its settings allow, 2 <= period and 1 <= horizon.
std::unique_ptr<LoadForecast> make_load_forecast(int period, int period2, int horizon,
                                                 int judged = 0);

}  // namespace phoenix

// Distributions as scenario files write them: "5 ms", "constant(5 ms)", "exponential(5 ms)",
// "uniform(1 ms, 3 ms)", "lognormal(5 ms, 1.2)" (median, and the factor that two thirds of the
// draws stay within), "pareto(1 ms, 1.5)" (smallest value, shape; an optional third value is a
// cap: larger draws become it), "gamma(5 ms, 2)" (mean, shape), "hyperexponential(5 ms, 4)" (mean,
// squared coefficient of variation >= 1; two phases with balanced means), "empirical(file.csv)"
// (one value a line, drawn with equal chance; bare numbers are seconds or bytes).
//
// Values are doubles in base units: seconds, or bytes; no draw is negative. Drawing is O(1), never
// allocates and uses only the generator passed in, so draws are the same on every machine. A
// constant takes nothing from the generator. Copies share nothing but the empirical values.
// Gamma: Marsaglia and Tsang, ACM TOMS 26 (2000). Exponential and normal: ziggurat, from Boost.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "strategies/core/random.h"
#include "strategies/core/result.h"

namespace phoenix {

class Distribution {
 public:
  enum class Kind : std::uint8_t {
    kConstant,
    kExponential,
    kUniform,
    kLognormal,
    kPareto,
    kGamma,
    kHyperexponential,
    kEmpirical
  };
  enum class Unit : std::uint8_t { kSeconds, kBytes };

  // REQUIRE: what parse() asks for. `cap` may be infinity; `file` is only printed.
  static Distribution constant(double value);
  static Distribution exponential(double mean);
  static Distribution uniform(double low, double high);
  static Distribution lognormal(double median, double spread);
  static Distribution pareto(double smallest, double shape, double cap);
  static Distribution gamma(double mean, double shape);
  static Distribution hyperexponential(double mean, double squared_cv);
  static Distribution empirical(std::vector<double> values, std::string file);

  // Relative files are looked up in `folder`. The error says what was found and what is allowed;
  // for a line of an empirical file also where.
  static Result<Distribution> parse(std::string_view text, Unit unit, std::string_view folder);
  // In full, in the form parse() reads; times to the nanosecond.
  std::string print(Unit unit) const;

  double draw(Random& random) const { return is_constant() ? a_ : draw_varying(random); }

  // Exact; infinity where it does not exist.
  double mean() const;
  Kind kind() const { return kind_; }
  bool is_constant() const { return kind_ == Kind::kConstant; }
  // The largest value a draw can give; infinity where there is no bound.
  double upper_bound() const;

 private:
  Distribution(Kind kind, double a, double b, double c) : kind_(kind), a_(a), b_(b), c_(c) {}

  double draw_varying(Random& random) const;

  Kind kind_ = Kind::kConstant;
  double a_ = 0;  // parameters in the order they are written
  double b_ = 0;
  double c_ = 0;  // pareto: the cap; else derived from the others
  std::shared_ptr<const std::vector<double>> values_;
  std::string file_;
};

}  // namespace phoenix

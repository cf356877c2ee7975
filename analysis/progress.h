// Shows how far long work has got: a bar with an estimate on a terminal, a line now and then
// elsewhere. Writes to stderr.
#pragma once

#include <chrono>
#include <string>

namespace phoenix {

class Progress {
 public:
  // `unit` follows the numbers: "12.5 of 60.0 s played".
  explicit Progress(double total, std::string unit = "s played");
  ~Progress();  // wipes the bar
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void update(double done);

 private:
  using Clock = std::chrono::steady_clock;

  void draw(double share, double left_s, double done);

  double total_;
  std::string unit_;
  bool is_terminal_;
  bool drawn_ = false;
  Clock::time_point began_ = Clock::now();
  Clock::time_point shown_ = began_;
};

}  // namespace phoenix

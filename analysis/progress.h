// Shows how far a run has got: a bar with an estimate on a terminal, a line now and then elsewhere.
// Writes to stderr.
#pragma once

#include <chrono>

namespace phoenix {

class Progress {
 public:
  explicit Progress(double total_s);
  ~Progress();  // wipes the bar
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void update(double run_s);

 private:
  using Clock = std::chrono::steady_clock;

  void draw(double share, double left_s, double run_s);

  double total_s_;
  bool is_terminal_;
  bool drawn_ = false;
  Clock::time_point began_ = Clock::now();
  Clock::time_point shown_ = began_;
};

}  // namespace phoenix

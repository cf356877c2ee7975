#include "analysis/progress.h"

#include <algorithm>
#include <cmath>
#include <string>

#include <fmt/format.h>
#include <unistd.h>

namespace phoenix {
namespace {

constexpr int kWidth = 30;
constexpr auto kRedrawEvery = std::chrono::milliseconds(100);
constexpr auto kLineEvery = std::chrono::seconds(10);

}  // namespace

Progress::Progress(double total, std::string unit)
    : total_(total), unit_(std::move(unit)), is_terminal_(::isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() {
  if (drawn_) fmt::print(stderr, "\r\033[K");
}

void Progress::update(double done) {
  const auto now = Clock::now();
  if (now - shown_ < (is_terminal_ ? Clock::duration(kRedrawEvery) : Clock::duration(kLineEvery))) {
    return;
  }
  shown_ = now;
  const double share = std::clamp(done / total_, 0.0, 1.0);
  const double spent_s = std::chrono::duration<double>(now - began_).count();
  draw(share, share > 0 ? spent_s / share - spent_s : 0, done);
}

void Progress::draw(double share, double left_s, double done) {
  const int digits = total_ == std::floor(total_) && done == std::floor(done) ? 0 : 1;
  const std::string text = fmt::format("{:3.0f} %  {:.{}f} of {:.{}f} {}, about {:.0f} s left",
                                       share * 100, done, digits, total_, digits, unit_, left_s);
  if (!is_terminal_) {
    fmt::print(stderr, "{}\n", text);
    return;
  }
  const int filled = static_cast<int>(share * kWidth);
  fmt::print(stderr, "\r\033[K[{:=<{}}{:<{}}] {}", "", filled, "", kWidth - filled, text);
  std::fflush(stderr);
  drawn_ = true;
}

}  // namespace phoenix

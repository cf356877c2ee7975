#include "scenarios/date_time.h"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

namespace phoenix {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Takes parts off the front of a text; remembers when one was not there.
class Taker {
 public:
  explicit Taker(std::string_view text) : rest_(text) {}

  int digits(std::size_t count) {
    int value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (i >= rest_.size() || !is_digit(rest_[i])) return fail();
      value = 10 * value + (rest_[i] - '0');
    }
    rest_.remove_prefix(count);
    return value;
  }

  int digits_at_most(std::size_t count, int most) {
    const int value = digits(count);
    return value <= most ? value : fail();
  }

  bool take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  void expect(char c) {
    if (!take(c)) fail();
  }

  // The digits after a decimal point.
  std::int64_t nanoseconds() {
    std::int64_t value = 0;
    std::int64_t place = 100'000'000;
    if (rest_.empty() || !is_digit(rest_.front())) return fail();
    for (; !rest_.empty() && is_digit(rest_.front()); rest_.remove_prefix(1), place /= 10) {
      value += place * (rest_.front() - '0');
    }
    return value;
  }

  bool at_end() const { return rest_.empty(); }
  bool ok() const { return ok_; }

 private:
  int fail() {
    ok_ = false;
    return 0;
  }

  std::string_view rest_;
  bool ok_ = true;
};

std::int64_t take_time_of_day(Taker& text) {
  std::int64_t seconds = 3600 * std::int64_t{text.digits_at_most(2, 23)};
  text.expect(':');
  seconds += 60 * text.digits_at_most(2, 59);
  if (!text.take(':')) return seconds * 1'000'000'000;
  seconds += text.digits_at_most(2, 60);  // 60: a leap second
  return seconds * 1'000'000'000 + (text.take('.') ? text.nanoseconds() : 0);
}

// How far local time is ahead of UTC.
std::int64_t take_zone(Taker& text) {
  if (text.take('Z')) return 0;
  const bool ahead = text.take('+');
  if (!ahead && !text.take('-')) return 0;
  std::int64_t seconds = 3600 * std::int64_t{text.digits_at_most(2, 23)};
  text.take(':');
  seconds += 60 * text.digits_at_most(2, 59);
  return (ahead ? seconds : -seconds) * 1'000'000'000;
}

std::optional<std::int64_t> read(std::string_view whole) {
  namespace chrono = std::chrono;
  Taker text(whole);
  const chrono::year year(text.digits(4));
  text.expect('-');
  const chrono::month month(static_cast<unsigned>(text.digits(2)));
  text.expect('-');
  const chrono::day day(static_cast<unsigned>(text.digits(2)));
  const chrono::year_month_day date(year, month, day);
  if (!text.ok() || !date.ok() || year < chrono::year(1700) || year > chrono::year(2200)) return {};
  std::int64_t ns = chrono::nanoseconds(chrono::sys_days(date).time_since_epoch()).count();
  if (text.take('T') || text.take(' ')) {
    ns += take_time_of_day(text);
    ns -= take_zone(text);
  }
  if (!text.ok() || !text.at_end()) return {};
  return ns;
}

}  // namespace

bool looks_like_date(std::string_view text) {
  return text.size() >= 10 && text[4] == '-' && text[7] == '-';
}

Result<std::int64_t> parse_date_time(std::string_view text) {
  const std::optional<std::int64_t> ns = read(text);
  if (ns) return *ns;
  return Error{
      "found \"" + std::string(text) +
      "\"; allowed a date and time such as \"2023-11-16 18:15:46.68\", years 1700 to 2200"};
}

}  // namespace phoenix

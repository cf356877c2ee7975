#include "strategies/placement/resources.h"

#include <cmath>

#include "strategies/core/units.h"

namespace phoenix {

Resources& Resources::operator+=(const Resources& other) {
  for (std::size_t r = 0; r < kResourceKinds; ++r) amounts[r] += other.amounts[r];
  return *this;
}

Resources& Resources::operator-=(const Resources& other) {
  for (std::size_t r = 0; r < kResourceKinds; ++r) amounts[r] -= other.amounts[r];
  return *this;
}

Result<Amount> to_amount(Resource resource, double value) {
  const bool is_divided = resource == Resource::kCpu || resource == Resource::kGpu;
  const double base = std::ceil(is_divided ? value * 1000 : value);
  if (!(value >= 0) || !(base <= static_cast<double>(kMaxAmount))) {
    return Error{std::string(to_text(resource)) + " = " + print_number(value) +
                 ": must be a number from 0 to 2^52 base units"};
  }
  return static_cast<Amount>(base);
}

Status check_resources(const Resources& resources, std::string_view what) {
  for (std::size_t r = 0; r < kResourceKinds; ++r) {
    if (resources[r] >= 0 && resources[r] <= kMaxAmount) continue;
    return Error{std::string(what) + ": " + std::string(to_text(static_cast<Resource>(r))) + " = " +
                 std::to_string(resources[r]) + ": must be in [0, 2^52]"};
  }
  return success();
}

bool fits(const Resources& need, const Resources& room) {
  for (std::size_t r = 0; r < kResourceKinds; ++r) {
    if (need[r] > room[r]) return false;
  }
  return true;
}

std::string print_resources(const Resources& resources) {
  std::string text;
  for (std::size_t r = 0; r < kResourceKinds; ++r) {
    if (resources[r] == 0) continue;
    if (!text.empty()) text += ", ";
    const auto kind = static_cast<Resource>(r);
    const auto amount = static_cast<double>(resources[r]);
    const bool is_divided = kind == Resource::kCpu || kind == Resource::kGpu;
    text += std::string(to_text(kind)) + ' ';
    text += is_divided ? print_number(amount / 1000) : print_bytes(amount);
  }
  return text.empty() ? "nothing" : text;
}

}  // namespace phoenix

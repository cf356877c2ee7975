#include "strategies/placement/scores.h"

namespace phoenix {

double nomad_fit(double free_cpu, double free_memory) {
  return std::clamp(20 - std::pow(10, free_cpu) - std::pow(10, free_memory), 0.0, 18.0);
}

double cosine(Shares need, Shares room) {
  double dot = 0;
  double needs = 0;
  double rooms = 0;
  for (std::size_t k = 0; k < need.size(); ++k) {
    dot += need[k] * room[k];
    needs += need[k] * need[k];
    rooms += room[k] * room[k];
  }
  return needs > 0 && rooms > 0 ? dot / std::sqrt(needs * rooms) : 0;
}

}  // namespace phoenix

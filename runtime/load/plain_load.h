// The scenario that a load source's command line amounts to: one service, one class, even or random
// gaps. Pure.
#pragma once

#include <string>

#include "scenarios/scenario.h"
#include "strategies/core/result.h"

namespace phoenix::load {

// As written on the command line; each is checked as the scenario's key is.
struct PlainLoad {
  std::string service = "http";
  std::string rate;  // "2000" or "2000 /s"
  std::string duration = "10s";
  std::string warmup = "0s";
  std::string deadline = "10s";
  std::string work = "0s";
  std::string size = "64B";  // of requests and responses
  std::string seed = "1";
  std::string keys;  // that many different ones; empty: none
  bool is_poisson = false;
};

// The error names the option, what was found and what is allowed.
Result<Scenario> plain_scenario(const PlainLoad& load);

}  // namespace phoenix::load

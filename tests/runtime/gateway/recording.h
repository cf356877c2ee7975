// A recorder of a made-up gateway in a folder of its own, for tests.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "analysis/record_reader.h"
#include "runtime/gateway/recorder.h"
#include "tests/runtime/admin/fake_gateway.h"
#include "tests/runtime/net/parties.h"
#include "tests/scenarios/record_fixtures.h"

namespace phoenix::gateway::testing {

inline AnsweredRequest answered_request(std::uint64_t number) {
  AnsweredRequest request;
  request.number = number;
  request.arrived = Time{std::chrono::milliseconds(2'000 + number)};
  request.answered = request.arrived + std::chrono::microseconds(700);
  request.request_bytes = 100;
  request.response_bytes = 2'000;
  request.key = number * 3;
  request.request_class = ClassId{1};
  request.node = NodeId{0};
  request.attempts = 1;
  return request;
}

// Files of a folder by name.
inline std::vector<std::string> files_in(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    names.push_back(entry.path().filename());
  }
  std::sort(names.begin(), names.end());
  return names;
}

inline std::vector<std::string> ending_in(const std::string& folder, const std::string& ending) {
  std::vector<std::string> names = files_in(folder);
  std::erase_if(names, [&](const std::string& name) { return !name.ends_with(ending); });
  return names;
}

inline RecordReader opened(const std::string& path) {
  Result<RecordReader> reader = RecordReader::open(path);
  if (!reader) ADD_FAILURE() << reader.error();
  return std::move(*reader);
}

// The gateway's clock advances a second with each picture, of which there is one every few
// milliseconds.
struct Recording {
  explicit Recording(const std::string& folder) {
    config.name = "edge";
    config.record.path = folder + "/gateway.h5";
    config.record.sample = 1;
    config.record.interval = std::chrono::milliseconds(10);
    gateway.before_status = [this] { admin::testing::live_on(gateway.now); };
  }

  void start(int threads = 1) {
    recorder = std::make_unique<Recorder>(loop, config, threads, 7);
    recorder->watch(gateway);
  }
  bool take_pictures(int count) {
    const int until = gateway.asked + count;
    return net::drive(loop, [this, until] { return gateway.asked >= until; });
  }
  bool finish() {
    bool is_done = false;
    recorder->finish([&] { is_done = true; });
    return net::drive(loop, [&] { return is_done; });
  }
  GatewayStatus told() const {
    GatewayStatus status;
    recorder->add_to(status);
    return status;
  }
  // The writer works on a thread of its own.
  template <class Condition>
  bool await(Condition condition) {
    return net::drive(loop, [&] { return condition(told()); });
  }

  net::Loop loop;
  admin::testing::FakeGateway gateway;
  GatewayConfig config;
  std::unique_ptr<Recorder> recorder;
};

}  // namespace phoenix::gateway::testing

// The file a Recorder is writing, and the next one: opens, fills, rotates, completes. Internal to
// the recorder; on its writer thread, the only one of the process that may use HDF5.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "runtime/gateway/recorder_rows.h"

namespace phoenix::gateway {

class LiveRecord {
 public:
  explicit LiveRecord(std::uint64_t seed) : seed_(seed) {}

  // The first picture opens the first file, which covers the time from the gateway's start; later
  // ones end an interval, and a file where it is due.
  void on_status(std::shared_ptr<const GatewayStatus> now, const GatewayConfig& config);
  bool has_begun() const { return base_ != nullptr; }
  void on_answer(const AnsweredRequest& request);
  void flush();
  void finish(const GatewayConfig& config);  // as of the last picture

  std::uint64_t written() const { return written_; }  // rows
  std::uint64_t dropped() const { return dropped_; }
  const std::string& error() const { return error_; }  // empty: all is well

 private:
  void open(std::shared_ptr<const GatewayStatus> base, const GatewayStatus& known,
            const GatewayConfig& config);
  void close(const GatewayConfig& config);
  void write_interval(const GatewayStatus& now);
  void write_membership(const GatewayStatus& now);
  void fail(const std::string& why);
  template <class Row>
  void append(const Row& row);
  void append_decision(DecisionRow row);

  std::uint64_t seed_;
  std::shared_ptr<const GatewayStatus> base_;      // at the file's start
  std::shared_ptr<const GatewayStatus> previous_;  // the last picture
  std::unique_ptr<RecordWriter> writer_;           // null: failed, until the next rotation
  std::string path_;
  Scenario scenario_;
  std::size_t classes_ = 0;                     // that the file has names for
  std::map<std::uint32_t, std::string> nodes_;  // as readers of the file know them
  NodeTime node_time_;
  std::int64_t decisions_ = 0;  // in the file
  std::uint64_t written_ = 0, dropped_ = 0;
  std::string error_;
};

}  // namespace phoenix::gateway

// Reading and thinning: every table is read in pieces, so that a run of a week costs no more memory
// than one of a minute.
#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include <fmt/format.h>

#include "analysis/report/report_input.h"

namespace phoenix::report {
namespace {

constexpr std::int64_t kPiece = 50'000;
constexpr double kSecond = 1e-9;  // of a row's nanosecond

template <class Row, class Take>
Status for_each_row(const RecordReader& record, const Take& take) {
  for (std::int64_t first = 0;; first += kPiece) {
    const Result<std::vector<Row>> rows = record.rows<Row>(first, kPiece);
    if (!rows) return Error{rows.error()};
    if (rows->empty()) return success();
    for (const Row& row : *rows) take(row);
  }
}

float higher(float a, float b) { return std::isnan(a) ? b : std::isnan(b) ? a : std::max(a, b); }

void merge_window(WindowRow& into, const WindowRow& row) {
  into.t = row.t;
  into.offered += row.offered;
  into.completed += row.completed;
  into.failed += row.failed;
  into.retries += row.retries;
  into.in_flight = row.in_flight;
  for (float WindowRow::*const field :
       {&WindowRow::mean, &WindowRow::p50, &WindowRow::p95, &WindowRow::p99, &WindowRow::max}) {
    into.*field = higher(into.*field, row.*field);
  }
  into.cpu += row.cpu;  // a sum until all are in
  into.nodes_up = row.nodes_up;
}

Status read_windows(const RecordReader& record, ShownRun& run) {
  const Result<std::int64_t> total = record.row_count<WindowRow>();
  if (!total) return Error{total.error()};
  run.intervals_merged = std::max<std::size_t>(
      1, (static_cast<std::size_t>(*total) + ShownRun::kWindowsMax - 1) / ShownRun::kWindowsMax);
  std::size_t in_last = run.intervals_merged;
  const Status read = for_each_row<WindowRow>(record, [&](const WindowRow& row) {
    if (in_last == run.intervals_merged) {
      run.windows.push_back(row);
      in_last = 1;
    } else {
      merge_window(run.windows.back(), row);
      ++in_last;
    }
  });
  if (run.intervals_merged > 1) {
    for (WindowRow& row : run.windows) {
      const bool is_last = &row == &run.windows.back();
      row.cpu /= static_cast<float>(is_last ? in_last : run.intervals_merged);
    }
  }
  return read;
}

// Sums that become a NodeGrid.
class NodeGridMaker {
 public:
  NodeGridMaker(const std::vector<std::string>& names, double end_s, std::size_t columns) {
    grid_.nodes = names.size();
    grid_.columns = columns;
    grid_.column_s = end_s / static_cast<double>(columns);
    const std::size_t rows = std::min(names.size(), NodeGrid::kRowsMax);
    for (std::size_t row = 0; row < rows; ++row) {
      const std::size_t first = first_node(row, rows);
      const std::size_t last = first_node(row + 1, rows) - 1;
      grid_.rows.push_back(first == last ? names[first] : names[first] + " to " + names[last]);
    }
    grid_.cpu.assign(rows * columns, 0);
    grid_.off_share.assign(rows * columns, 0);
    known_.assign(rows * columns, 0);
    seen_.assign(rows * columns, 0);
  }

  void take(const NodeRow& row) {
    if (row.node < 0 || static_cast<std::size_t>(row.node) >= grid_.nodes) return;
    // `t` is the end of the interval: what ends with a column belongs to it.
    const double at = static_cast<double>(row.t) * kSecond / grid_.column_s;
    const auto column = static_cast<std::size_t>(
        std::clamp(std::ceil(at - 1e-6) - 1, 0.0, static_cast<double>(grid_.columns - 1)));
    const std::size_t i =
        grid_.index(static_cast<std::size_t>(row.node) * grid_.rows.size() / grid_.nodes, column);
    ++seen_[i];
    if (row.up == 0 || row.up == kAbsent) {
      grid_.off_share[i] += 1;
    } else if (std::isfinite(row.cpu)) {
      grid_.cpu[i] += row.cpu;
      ++known_[i];
    }
  }

  NodeGrid finish() {
    for (std::size_t i = 0; i < seen_.size(); ++i) {
      grid_.cpu[i] = known_[i] > 0 ? grid_.cpu[i] / static_cast<float>(known_[i])
                                   : std::numeric_limits<float>::quiet_NaN();
      if (seen_[i] > 0) grid_.off_share[i] /= static_cast<float>(seen_[i]);
    }
    return std::move(grid_);
  }

 private:
  static constexpr std::uint8_t kAbsent = 4;

  // The least node that take() puts into this row.
  std::size_t first_node(std::size_t row, std::size_t rows) const {
    return (row * grid_.nodes + rows - 1) / rows;
  }

  NodeGrid grid_;
  std::vector<std::uint32_t> known_, seen_;
};

Status read_nodes(const RecordReader& record, ShownRun& run) {
  const Result<std::vector<std::string>> names = record.names("nodes");
  if (!names) return Error{names.error()};
  const Result<std::int64_t> intervals = record.row_count<WindowRow>();
  if (!intervals) return Error{intervals.error()};
  if (names->empty() || *intervals == 0 || !(run.end_s() > 0)) return success();
  NodeGridMaker maker(*names, run.end_s(),
                      std::min(NodeGrid::kColumnsMax, static_cast<std::size_t>(*intervals)));
  const Status read =
      for_each_row<NodeRow>(record, [&maker](const NodeRow& row) { maker.take(row); });
  run.nodes = maker.finish();
  return read;
}

Status read_decisions(const RecordReader& record, ShownRun& run) {
  const double bin_s = std::max(run.end_s(), 1e-9) / ShownRun::kDecisionBins;
  std::map<std::tuple<std::string, std::int64_t, std::string>, DecisionMark> marks;
  const Status read = for_each_row<DecisionRow>(record, [&](const DecisionRow& row) {
    ++run.decisions_total;
    run.decisions.push_back(row);
    if (run.decisions.size() == 2 * ShownRun::kDecisionsMax) {  // rows come in order of outcomes
      std::ranges::nth_element(run.decisions, run.decisions.begin() + ShownRun::kDecisionsMax, {},
                               &DecisionRow::t);
      run.decisions.resize(ShownRun::kDecisionsMax);
    }
    const double at_s = static_cast<double>(row.t) * kSecond;
    const auto bin = static_cast<std::int64_t>(
        std::clamp(at_s / bin_s, 0.0, static_cast<double>(ShownRun::kDecisionBins)));
    DecisionMark& mark =
        marks[{std::string(row.family.view()), bin, std::string(row.outcome.view())}];
    if (mark.count++ > 0) return;
    mark.family = row.family.view();
    mark.outcome = row.outcome.view();
    mark.at_s = at_s;
    mark.first = fmt::format("{} {}", row.action.view(), row.subject.view());
  });
  std::ranges::sort(run.decisions, {},
                    [](const DecisionRow& row) { return std::pair(row.t, row.seq); });
  if (run.decisions.size() > ShownRun::kDecisionsMax) {
    run.decisions.resize(ShownRun::kDecisionsMax);
  }
  for (auto& [key, mark] : marks) run.decision_marks.push_back(std::move(mark));
  return read;
}

Status read_faults(const RecordReader& record, ShownRun& run) {
  Result<std::vector<std::string>> names = record.names("faults");
  if (!names) return Error{names.error()};
  run.fault_names = std::move(*names);
  Result<std::vector<FaultRow>> rows =
      record.rows<FaultRow>(0, static_cast<std::int64_t>(ShownRun::kFaultsMax));
  if (!rows) return Error{rows.error()};
  run.faults = std::move(*rows);
  return success();
}

}  // namespace

Result<ShownRun> read_shown_run(const RecordReader& record) {
  Result<RunSummary> summary = record.summary();
  if (!summary) return Error{summary.error()};
  ShownRun run;
  run.summary = std::move(*summary);
  run.attributes = record.attributes();
  run.replication = run.attributes.replication;
  for (const auto read : {read_windows, read_nodes, read_decisions, read_faults}) {
    if (const Status done = read(record, run); !done) run.missing.push_back(done.error());
  }
  return run;
}

}  // namespace phoenix::report

#include "analysis/compare/results_folder.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "analysis/compare/warm_up.h"

namespace phoenix {
namespace {

namespace fs = std::filesystem;

constexpr const char* kCells = "/cells/";
constexpr const char* kRecords = "/records/";
constexpr const char* kPlan = "/plan.json";

std::string cell_name(std::uint64_t cell) { return fmt::format("{:07}", cell); }

// Nothing for other files, such as those that were being written when somebody died.
std::optional<std::uint64_t> cell_of(const fs::path& file) {
  if (file.extension() != ".json") return std::nullopt;
  const std::string stem = file.stem().string();
  std::uint64_t cell = 0;
  const auto [end, error] = std::from_chars(stem.data(), stem.data() + stem.size(), cell);
  if (error != std::errc() || end != stem.data() + stem.size()) return std::nullopt;
  return cell;
}

bool write_all(int fd, const std::string& text) {
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t n = ::write(fd, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    done += static_cast<std::size_t>(n);
  }
  return true;
}

Error cannot(const char* what, const std::string& path) {
  return Error{fmt::format("cannot {} {}: {}", what, path, std::strerror(errno))};
}

// Renaming onto a link would replace the link and not what it leads to.
std::string behind_links(const std::string& path) {
  constexpr int kLinksMax = 40;
  std::error_code error;
  fs::path place = path;
  for (int i = 0; i < kLinksMax && fs::is_symlink(place, error); ++i) {
    const fs::path next = fs::read_symlink(place, error);
    if (error) break;
    place = place.parent_path() / next;
  }
  return place.string();
}

// Devices and pipes have no place that a file could be renamed to.
Status write_into(const std::string& path, const std::string& text) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return cannot("write", path);
  const bool is_written = write_all(fd, text);
  const int reason = errno;
  ::close(fd);
  errno = reason;
  return is_written ? success() : Status(cannot("write", path));
}

}  // namespace

Status write_whole_file(const std::string& path, const std::string& text) {
  std::error_code ignored;
  if (const fs::file_status there = fs::status(path, ignored);
      fs::exists(there) && !fs::is_regular_file(there)) {
    return write_into(path, text);
  }
  const std::string place = behind_links(path);
  const std::string part = fmt::format("{}.{}.part", place, ::getpid());
  const int fd = ::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return cannot("write", path);
  const bool is_written = write_all(fd, text) && ::fsync(fd) == 0;
  const int reason = errno;
  ::close(fd);
  errno = reason;
  if (is_written && std::rename(part.c_str(), place.c_str()) == 0) return success();
  const Error error = cannot("write", path);
  ::unlink(part.c_str());
  return error;
}

Result<std::string> read_whole_file(const std::string& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) return cannot("read", path);
  std::ostringstream text;
  text << file.rdbuf();
  if (file.bad()) return cannot("read", path);
  return std::move(text).str();
}

Result<ResultsFolder> ResultsFolder::open_same(const std::string& path,
                                               const ComparisonPlan& plan) {
  Result<ResultsFolder> known = open(path);
  if (!known) return known;
  // What its pilot runs decided belongs to it.
  const auto& decided = known->plan().request().warm_up;
  const std::string wanted = (decided ? plan.with_warm_up(*decided) : plan).to_json();
  if (known->plan().to_json() == wanted) return known;
  return Error{path +
               " holds another comparison; go on with it by --resume, or name another folder"};
}

Result<ResultsFolder> ResultsFolder::create(const std::string& path, const ComparisonPlan& plan) {
  std::error_code error;
  if (fs::exists(path + kPlan, error)) return open_same(path, plan);
  for (const char* folder : {kCells, kRecords}) {
    fs::create_directories(path + folder, error);
    if (error) return Error{"cannot make the folder " + path + ": " + error.message()};
  }
  const Result<PlanLock> lock = PlanLock::wait_for(path, false);
  if (!lock) return Error{lock.error()};
  // Made by another process meanwhile, and maybe with its warm-up settled.
  if (fs::exists(path + kPlan, error)) return open_same(path, plan);
  if (Status written = write_whole_file(path + kPlan, plan.to_json()); !written) {
    return Error{written.error()};
  }
  return ResultsFolder(path, plan);
}

Result<ResultsFolder> ResultsFolder::open(const std::string& path) {
  const Result<std::string> text = read_whole_file(path + kPlan);
  if (!text) return Error{text.error()};
  Result<ComparisonPlan> plan = ComparisonPlan::from_json(*text);
  if (!plan) return Error{path + kPlan + ": " + plan.error()};
  return ResultsFolder(path, std::move(*plan));
}

std::string ResultsFolder::cell_path(std::uint64_t cell) const {
  return path_ + kCells + cell_name(cell) + ".json";
}

std::string ResultsFolder::record_path(std::uint64_t cell) const {
  return path_ + kRecords + cell_name(cell) + ".h5";
}

Result<RecordLock> ResultsFolder::lock() const {
  Result<RecordLock> lock = RecordLock::acquire(path_ + "/master");
  if (lock) remove_leftovers();
  return lock;
}

// Others may be writing single cells, also on other machines, where a process's number says
// nothing. None takes this long.
void ResultsFolder::remove_leftovers() const {
  constexpr auto kWritingMax = std::chrono::minutes(10);
  std::vector<fs::path> dead;
  std::error_code error;
  for (fs::directory_iterator it(path_ + kCells, error), end; !error && it != end;
       it.increment(error)) {
    if (it->path().extension() != ".part") continue;
    std::error_code gone;
    const auto written = fs::last_write_time(it->path(), gone);
    if (!gone && fs::file_time_type::clock::now() - written > kWritingMax) {
      dead.push_back(it->path());
    }
  }
  for (const fs::path& file : dead) fs::remove(file, error);
}

Result<std::set<std::uint64_t>> ResultsFolder::finished() const {
  const Result<std::vector<CellResult>> results = load();
  if (!results) return Error{results.error()};
  std::set<std::uint64_t> cells;
  for (const CellResult& result : *results) {
    if (result.failure.empty()) cells.insert(result.cell);
  }
  return cells;
}

Result<PlanLock> ResultsFolder::wait_for_plan(const std::atomic<bool>& stop) const {
  return PlanLock::wait_for(path_, stop);
}

Status ResultsFolder::read_plan_again() {
  Result<ResultsFolder> now = open(path_);
  if (!now) return Error{now.error()};
  plan_ = std::move(now->plan_);
  return success();
}

bool ResultsFolder::needs_pilot() const { return phoenix::needs_pilot(plan_); }

Result<ResultsFolder> ResultsFolder::pilot() const {
  PlanRequest request = plan_.request();
  request.replications = 1;
  request.precision.reset();
  Result<ComparisonPlan> plan = ComparisonPlan::make(std::move(request));
  return plan ? create(path_ + "/pilot", *plan) : Result<ResultsFolder>(Error{plan.error()});
}

Status ResultsFolder::decide_warm_up(const WarmUpRule& rule) {
  plan_ = plan_.with_warm_up(rule);
  return write_whole_file(path_ + kPlan, plan_.to_json());
}

Status ResultsFolder::save(const CellResult& result) const {
  return write_whole_file(cell_path(result.cell), result.to_json());
}

Result<std::vector<CellResult>> ResultsFolder::load() const {
  std::vector<std::uint64_t> cells;
  std::error_code error;
  for (fs::directory_iterator it(path_ + kCells, error), end; !error && it != end;
       it.increment(error)) {
    if (const auto cell = cell_of(it->path())) cells.push_back(*cell);
  }
  if (error) return Error{"cannot read " + path_ + kCells + ": " + error.message()};
  std::ranges::sort(cells);
  std::vector<CellResult> results;
  for (const std::uint64_t cell : cells) {
    const Result<std::string> text = read_whole_file(cell_path(cell));
    if (!text) return Error{text.error()};
    Result<CellResult> result = CellResult::from_json(*text);
    if (!result) return Error{cell_path(cell) + ": " + result.error()};
    if (result->cell != cell || cell >= plan_.cells_max()) {
      return Error{fmt::format("{}: found cell {}; allowed {} below {}", cell_path(cell),
                               result->cell, cell, plan_.cells_max())};
    }
    results.push_back(std::move(*result));
  }
  return results;
}

}  // namespace phoenix

#include "scenarios/record_writer.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <tuple>
#include <utility>

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "scenarios/hdf5_handle.h"
#include "scenarios/record_lock.h"
#include "scenarios/record_provenance.h"
#include "scenarios/record_table.h"

namespace phoenix {
namespace {

constexpr std::uint64_t kFreeSpaceFloor = std::uint64_t{64} << 20;
constexpr unsigned kEntriesInHeader = 100;  // beyond that HDF5 spends kilobytes on an index

std::string folder_of(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path();
  return folder.empty() ? "." : folder;
}

bool has_room(const std::string& folder) {
  struct statvfs disk {};
  if (statvfs(folder.c_str(), &disk) != 0) return true;  // the write will tell
  return disk.f_bavail * disk.f_frsize >= kFreeSpaceFloor;
}

// A mistyped name must not cost a scenario or a trace: only records, and empty files, are replaced.
bool may_be_replaced(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::file_size(path, ignored) == 0) return true;
  static constexpr std::string_view kSignature = "\x89HDF\r\n\x1a\n";
  char start[kSignature.size()] = {};
  std::ifstream(path, std::ios::binary).read(start, sizeof start);
  return std::string_view(start, sizeof start) == kSignature;
}

Status check_target(const std::string& path) {
  std::error_code ignored;
  const std::filesystem::file_status target = std::filesystem::status(path, ignored);
  if (path.empty() || path.ends_with('/')) {
    return Error{"cannot record to '" + path + "': not a file name"};
  }
  if (std::filesystem::exists(target) && !std::filesystem::is_regular_file(target)) {
    return Error{"cannot record to " + path + ": it exists and is not a regular file"};
  }
  if (std::filesystem::exists(target) && !may_be_replaced(path)) {
    return Error{"cannot record to " + path + ": it exists and is not a record"};
  }
  if (!std::filesystem::is_directory(folder_of(path), ignored)) {
    return Error{"cannot record to " + path + ": there is no folder " + folder_of(path)};
  }
  return success();
}

// Only reaches the disk where the file system can sync folders; the rename is done by then.
void sync_folder(const std::string& folder) {
  const int descriptor = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  fsync(descriptor);
  close(descriptor);
}

bool sync_file(const std::string& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return false;
  const bool ok = fsync(descriptor) == 0;
  const int reason = errno;
  close(descriptor);
  errno = reason;
  return ok;
}

Hdf5Handle create_file(const std::string& path) {
  const Hdf5Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  const Hdf5Handle creation(H5Pcreate(H5P_FILE_CREATE), H5Pclose);
  if (H5Pset_libver_bounds(access, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST) < 0 ||
      H5Pset_fclose_degree(access, H5F_CLOSE_SEMI) < 0 ||
      H5Pset_attr_phase_change(creation, kEntriesInHeader, 0) < 0 ||
      H5Pset_link_phase_change(creation, kEntriesInHeader, 0) < 0) {
    return {};
  }
  return {H5Fcreate(path.c_str(), H5F_ACC_TRUNC, creation, access), H5Fclose};
}

}  // namespace

struct RecordWriter::State {
  std::string path;
  std::string part;
  std::string folder;
  RecordLock lock;
  Hdf5Handle file;
  std::tuple<RecordTable<RequestRow>, RecordTable<NodeRow>, RecordTable<WindowRow>,
             RecordTable<DecisionRow>, RecordTable<FaultRow>, RecordTable<HistogramRow>,
             RecordTable<SummaryRow>>
      tables;
  Status status = success();

  // True while nothing has failed. The first reason is the one that is kept.
  bool check(bool ok, const std::string& reason) {
    if (!ok && status.ok()) status = Error{"cannot write " + part + ": " + reason};
    return ok;
  }
  bool check_hdf5(bool ok) {
    if (ok) return true;
    abandon_file();
    return check(false, hdf5_reason());
  }

  template <class Call>
  bool each_table(const Call& call) {
    return std::apply([&](auto&... table) { return (check_hdf5(call(table)) && ...); }, tables);
  }

  bool check_room() {
    return has_room(folder) || check(false, "less than 64 MiB are free in " + folder);
  }

  template <class Row>
  void append(const Row& row) {
    if (!status.ok()) return;
    auto& table = std::get<RecordTable<Row>>(tables);
    if (table.append(row) && check_room()) check_hdf5(table.write_out());
  }

  bool open_file(const Scenario& scenario, const RecordOrigin& origin) {
    file = create_file(part);
    return check_hdf5(static_cast<bool>(file)) &&
           check_hdf5(write_provenance(file, scenario, origin)) &&
           check_hdf5(write_names(file, scenario, origin)) &&
           each_table([&](auto& table) { return table.create(file); }) &&
           check_hdf5(mark_plot_columns()) && check_hdf5(H5Fflush(file, H5F_SCOPE_GLOBAL) >= 0) &&
           check_hdf5(H5Fstart_swmr_write(file) >= 0);
  }

  // What NeXus-aware viewers plot first.
  bool mark_plot_columns() {
    const Hdf5Handle windows(H5Dopen2(file, "windows", H5P_DEFAULT), H5Dclose);
    return windows && write_attribute(windows, "signal", std::string_view("p99")) &&
           write_attribute(windows, "axes", std::string_view("t"));
  }

  void flush() {
    if (!status.ok() || !check_room()) return;
    // Counts follow once their rows are safe: a flush that fails halfway may leave tables longer
    // than their data.
    if (each_table([](auto& table) { return table.write_out(); }) &&
        check_hdf5(H5Fflush(file, H5F_SCOPE_GLOBAL) >= 0) &&
        each_table([](auto& table) { return table.store_count(); })) {
      check_hdf5(H5Fflush(file, H5F_SCOPE_GLOBAL) >= 0);
    }
  }

  // Closing after a failed write would make the file's header promise what the disk does not have,
  // and nobody could read the rows that are safe.
  void abandon_file() {
    std::apply([](auto&... table) { (table.abandon(), ...); }, tables);
    file.abandon();
  }

  bool close_file() {
    return each_table([](auto& table) { return table.close(); }) && check_hdf5(file.close());
  }

  bool give_name() {
    if (!check(sync_file(part), std::strerror(errno))) return false;
    if (!check(std::rename(part.c_str(), path.c_str()) == 0, std::strerror(errno))) return false;
    sync_folder(folder);
    return true;
  }
};

RecordWriter::RecordWriter() : state_(std::make_unique<State>()) {}

RecordWriter::~RecordWriter() {
  if (!state_->file) return;
  state_->flush();
  state_->close_file();
}

Result<std::unique_ptr<RecordWriter>> RecordWriter::create(const std::string& path,
                                                           const Scenario& scenario,
                                                           const RecordOrigin& origin) {
  if (Status target = check_target(path); !target) return Error{target.error()};
  Result<RecordLock> lock = RecordLock::acquire(path);
  if (!lock) return Error{lock.error()};

  std::unique_ptr<RecordWriter> writer(new RecordWriter);
  State& state = *writer->state_;
  state.path = path;
  state.part = path + ".part";
  state.folder = folder_of(path);
  state.lock = std::move(*lock);
  prepare_hdf5();
  if (state.check_room()) {
    // Somebody may be reading what a dead run left: that file stays whole for them.
    unlink(state.part.c_str());
    if (!state.open_file(scenario, origin)) unlink(state.part.c_str());
  }
  if (!state.status.ok()) return Error{state.status.error()};
  return writer;
}

void RecordWriter::append(const RequestRow& row) { state_->append(row); }
void RecordWriter::append(const NodeRow& row) { state_->append(row); }
void RecordWriter::append(const WindowRow& row) { state_->append(row); }
void RecordWriter::append(const DecisionRow& row) { state_->append(row); }
void RecordWriter::append(const FaultRow& row) { state_->append(row); }
void RecordWriter::append(const HistogramRow& row) { state_->append(row); }
void RecordWriter::append(const SummaryRow& row) { state_->append(row); }

void RecordWriter::flush() { state_->flush(); }

const Status& RecordWriter::status() const { return state_->status; }

Status RecordWriter::finish() {
  State& state = *state_;
  state.flush();
  if (state.status.ok() && state.check_hdf5(rewrite_attribute(state.file, "complete", 1)) &&
      state.close_file() && state.give_name()) {
    state.lock = RecordLock();
  }
  return state.status;
}

}  // namespace phoenix

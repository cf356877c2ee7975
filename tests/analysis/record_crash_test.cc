// What is left of a record when its writer dies or its disk fills up: every flushed row, no file
// that looks whole, and one clear sentence.
#include <cerrno>
#include <string>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "analysis/record_reader.h"
#include "tests/scenarios/record_fixtures.h"

namespace {
std::function<void()>* g_before_rename = nullptr;
}

// Stands in for the C library's, so that a test can stop the writer at its last step.
extern "C" int rename(const char* from, const char* to) noexcept {
  if (g_before_rename != nullptr) (*g_before_rename)();
  return static_cast<int>(syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
}

namespace phoenix {
namespace {

using testing::HasSubstr;

constexpr int kNotPermitted = 77;

RecordReader opened(const std::string& path) {
  Result<RecordReader> reader = RecordReader::open(path);
  if (!reader) ADD_FAILURE() << reader.error();
  return std::move(*reader);
}

// Rows that are there, each checked against what was written.
std::int64_t rows_left(const RecordReader& reader) {
  const Result<std::vector<RequestRow>> rows = reader.rows<RequestRow>();
  if (!rows) {
    ADD_FAILURE() << rows.error();
    return -1;
  }
  for (std::size_t i = 0; i < rows->size(); ++i) {
    if ((*rows)[i] == request_row(static_cast<std::int64_t>(i))) continue;
    ADD_FAILURE() << "row " << i << " is not what was written";
    return -1;
  }
  return static_cast<std::int64_t>(rows->size());
}

// Appends without end, flushes every 3,000 rows, which is no multiple of a chunk, and tells how
// many rows are safe.
int write_until_killed(const std::string& path, const ChildProcess::Say& say) {
  const auto writer = make_writer(path);
  say(0);
  for (std::int64_t i = 0;; ++i) {
    writer->append(request_row(i));
    if (i % 3'000 != 2'999) continue;
    writer->flush();
    if (!writer->status().ok()) return 1;
    say(i + 1);
  }
}

class KilledWriter : public testing::TestWithParam<int> {};

TEST_P(KilledWriter, LeavesEveryFlushedRowAndNoFinishedRecord) {
  const TempFolder folder;
  const std::string path = folder.file("run.h5");
  std::int64_t safe = 0;
  {
    ChildProcess child([&](const ChildProcess::Say& say) { return write_until_killed(path, say); });
    for (int told = 0; told <= GetParam(); ++told) {
      const std::optional<std::int64_t> number = child.await();
      ASSERT_TRUE(number);
      safe = *number;
    }
    child.end(SIGKILL);
  }
  EXPECT_FALSE(exists(path));
  EXPECT_THAT(RecordReader::open(path).error(), HasSubstr(path + ".part"));
  {
    const RecordReader reader = opened(path + ".part");
    EXPECT_FALSE(reader.attributes().complete);
    EXPECT_FALSE(reader.is_live());
    EXPECT_GE(rows_left(reader), safe);
  }

  const std::string copy = folder.file("copy.h5");
  std::filesystem::copy_file(path + ".part", copy);
  ASSERT_EQ(std::system(("h5clear -s --increment=0 '" + copy + "'").c_str()), 0)
      << "is hdf5-tools installed?";
  EXPECT_TRUE(Hdf5Handle(H5Fopen(copy.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose));
  const RecordReader recovered = opened(copy);
  EXPECT_FALSE(recovered.attributes().complete);
  EXPECT_GE(rows_left(recovered), safe);
}

INSTANTIATE_TEST_SUITE_P(AfterFlushes, KilledWriter, testing::Values(0, 1, 2, 3, 7, 20));

TEST(LiveWriter, IsReadWhileItWrites) {
  const TempFolder folder;
  const std::string path = folder.file("run.h5");
  ChildProcess child([&](const ChildProcess::Say& say) {
    const auto writer = make_writer(path);
    for (std::int64_t i = 0; i < 5'000; ++i) writer->append(request_row(i));
    writer->flush();
    say(5'000);
    pause();
    return 0;
  });
  ASSERT_TRUE(child.await());
  const RecordReader reader = opened(path + ".part");
  EXPECT_TRUE(reader.is_live());
  EXPECT_EQ(rows_left(reader), 5'000);
  EXPECT_THAT(reader.summary().error(), HasSubstr("under way"));
}

TEST(InterruptedWriter, KeepsWhatItHasAndSaysItIsNotComplete) {
  const TempFolder folder;
  const std::string path = folder.file("run.h5");
  {
    const auto writer = make_writer(path);
    for (std::int64_t i = 0; i < 5'000; ++i) writer->append(request_row(i));
  }
  EXPECT_FALSE(exists(path));
  EXPECT_FALSE(exists(path + ".lock"));
  const RecordReader reader = opened(path + ".part");
  EXPECT_EQ(rows_left(reader), 5'000);
  EXPECT_FALSE(reader.attributes().complete);
}

TEST(KilledBeforeRename, TheEarlierRecordStandsAndThePartHasEveryRow) {
  const TempFolder folder;
  const std::string path = folder.file("run.h5");
  const std::string earlier =
      "\x89"
      "HDF\r\n\x1a\n"
      "an earlier record";
  write_file(path, earlier);
  ChildProcess child([&](const ChildProcess::Say& say) {
    std::function<void()> stop = [&say] {
      say(1);
      pause();
    };
    const auto writer = make_writer(path);
    for (std::int64_t i = 0; i < 5'000; ++i) writer->append(request_row(i));
    g_before_rename = &stop;
    return writer->finish().ok() ? 0 : 1;
  });
  ASSERT_TRUE(child.await());
  child.end(SIGKILL);
  EXPECT_EQ(contents(path), earlier);
  const RecordReader reader = opened(path + ".part");
  EXPECT_EQ(rows_left(reader), 5'000);
  EXPECT_TRUE(reader.attributes().complete);
}

// Fills the disk with rows until the writer gives up, telling how many rows are safe; writes what
// it said to `report`.
void write_until_refused(const std::string& path, const std::string& report,
                         const ChildProcess::Say& say) {
  const auto writer = make_writer(path);
  for (std::int64_t i = 0; i < 10'000'000 && writer->status().ok(); ++i) {
    writer->append(request_row(i));
    if (i % 3'000 != 2'999) continue;
    writer->flush();
    if (writer->status().ok()) say(i + 1);
  }
  const Status finished = writer->finish();
  write_file(report, finished ? "finished" : finished.error());
}

std::int64_t last_told(ChildProcess& child) {
  std::int64_t last = 0;
  while (const std::optional<std::int64_t> number = child.await()) last = *number;
  return last;
}

class FullDisk : public testing::TestWithParam<rlim_t> {};

// A limit on the size of files fails the very calls that a full disk fails, and needs no privilege.
TEST_P(FullDisk, LeavesFlushedRowsAClearErrorAndNoRecord) {
  const TempFolder folder;
  const std::string path = folder.file("run.h5");
  ChildProcess child([&](const ChildProcess::Say& say) {
    const rlimit most{GetParam(), GetParam()};
    std::signal(SIGXFSZ, SIG_IGN);  // so that writing fails instead
    if (setrlimit(RLIMIT_FSIZE, &most) != 0) return kNotPermitted;
    const int chatter = open(folder.file("chatter").c_str(), O_CREAT | O_WRONLY, 0644);
    dup2(chatter, STDERR_FILENO);
    write_until_refused(path, folder.file("report"), say);
    return 0;
  });
  const std::int64_t safe = last_told(child);
  EXPECT_EQ(child.exit_code(), 0);
  EXPECT_GE(safe, 3'000);
  EXPECT_EQ(contents(folder.file("report")), "cannot write " + path + ".part: File too large");
  EXPECT_EQ(contents(folder.file("chatter")), "");
  EXPECT_FALSE(exists(path));
  const RecordReader reader = opened(path + ".part");
  EXPECT_FALSE(reader.attributes().complete);
  EXPECT_GE(rows_left(reader), safe);
}

INSTANTIATE_TEST_SUITE_P(At, FullDisk,
                         testing::Values(250'000, 400'000, 517'001, 600'000, 733'333, 1'000'000,
                                         1'400'000));

TEST(NearlyFullDisk, RecordingStopsBeforeItIsFull) {
  const TempFolder folder;
  const std::string path = folder.file("run.h5");
  ChildProcess child([&](const ChildProcess::Say& say) {
    const bool mounted = unshare(CLONE_NEWNS) == 0 &&
                         mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                         mount("small", folder.path().c_str(), "tmpfs", 0, "size=66m") == 0;
    if (!mounted) return kNotPermitted;
    write_until_refused(path, folder.file("report"), say);
    const std::string expected =
        "cannot write " + path + ".part: less than 64 MiB are free in " + folder.path();
    if (exists(path) || contents(folder.file("report")) != expected) return 1;
    const Result<RecordReader> reader = RecordReader::open(path + ".part");
    if (!reader || reader->attributes().complete) return 2;
    say(-rows_left(*reader));
    return 0;
  });
  std::int64_t safe = 0;
  std::int64_t left = -1;
  while (const std::optional<std::int64_t> number = child.await()) {
    (*number > 0 ? safe : left) = std::abs(*number);
  }
  const int code = child.exit_code();
  if (code == kNotPermitted) GTEST_SKIP() << "mounting a small file system is not permitted here";
  EXPECT_EQ(code, 0);
  EXPECT_GE(safe, 3'000);
  EXPECT_GE(left, safe);
}

}  // namespace
}  // namespace phoenix

// What becomes of files around a record: names, locks, replacements, refusals. Content is tested
// where it is read, in tests/analysis.
#include "scenarios/record_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/scenarios/record_fixtures.h"

namespace phoenix {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string refusal(const std::string& path) {
  const auto writer = RecordWriter::create(path, small_scenario(), small_origin());
  return writer ? "" : writer.error();
}

TEST(RecordWriter, FinishLeavesTheRecordAndNothingElse) {
  const TempFolder folder;
  const std::string path = folder.file("run.h5");
  const auto writer = make_writer(path);
  EXPECT_FALSE(exists(path));
  EXPECT_TRUE(exists(path + ".part"));
  ASSERT_TRUE(writer->finish().ok());
  EXPECT_TRUE(exists(path));
  EXPECT_FALSE(exists(path + ".part"));
  EXPECT_FALSE(exists(path + ".lock"));
}

TEST(RecordWriter, AFinishedRecordIsReplacedOnlyByAnotherFinishedOne) {
  const TempFolder folder;
  const std::string path = folder.file("run.h5");
  ASSERT_TRUE(make_writer(path)->finish().ok());
  const std::string earlier = contents(path);
  { const auto interrupted = make_writer(path); }
  EXPECT_EQ(contents(path), earlier);
  EXPECT_TRUE(exists(path + ".part"));
  const auto longer = make_writer(path);
  longer->append(request_row(0));
  ASSERT_TRUE(longer->finish().ok());
  EXPECT_NE(contents(path), earlier);
  EXPECT_FALSE(exists(path + ".part"));
}

TEST(RecordWriter, AFileThatIsNoRecordIsNeverReplaced) {
  const TempFolder folder;
  const std::string path = folder.file("scenario.toml");
  write_file(path, "precious");
  EXPECT_EQ(refusal(path), "cannot record to " + path + ": it exists and is not a record");
  EXPECT_EQ(contents(path), "precious");
}

TEST(RecordWriter, ASecondWriterIsRefusedAndTheFirstGoesOn) {
  const TempFolder folder;
  const std::string path = folder.file("run.h5");
  const auto first = make_writer(path);
  EXPECT_THAT(refusal(path), AllOf(HasSubstr(path + " is being written by another run (process " +
                                             std::to_string(getpid()) + ")")));
  first->append(request_row(0));
  EXPECT_TRUE(first->finish().ok());
  EXPECT_EQ(refusal(path), "");
}

TEST(RecordWriter, TwoWritersOfDifferentPathsDoNotMeet) {
  const TempFolder folder;
  const auto a = make_writer(folder.file("a.h5"));
  const auto b = make_writer(folder.file("b.h5"));
  for (std::int64_t i = 0; i < 5'000; ++i) {
    a->append(request_row(i));
    b->append(request_row(i + 1));
  }
  EXPECT_TRUE(a->finish().ok());
  EXPECT_TRUE(b->finish().ok());
}

TEST(RecordWriter, TheLockOfADeadWriterDoesNotStandInTheWay) {
  const TempFolder folder;
  const std::string path = folder.file("run.h5");
  ChildProcess child([&](const ChildProcess::Say& say) {
    const auto writer = make_writer(path);
    say(1);
    pause();
    return 0;
  });
  ASSERT_TRUE(child.await());
  EXPECT_THAT(refusal(path), HasSubstr("is being written by another run"));
  child.end(SIGKILL);
  EXPECT_TRUE(exists(path + ".lock"));
  EXPECT_TRUE(make_writer(path)->finish().ok());
  EXPECT_FALSE(exists(path + ".lock"));
}

TEST(RecordWriter, PathsThatCannotBeARecordAreRefusedBeforeAnythingIsMade) {
  const TempFolder folder;
  write_file(folder.file("plain"), "text");
  EXPECT_THAT(refusal(""), HasSubstr("not a file name"));
  EXPECT_THAT(refusal(folder.file("new/")), HasSubstr("not a file name"));
  EXPECT_THAT(refusal(folder.path()), HasSubstr("it exists and is not a regular file"));
  EXPECT_THAT(refusal("/dev/null"), HasSubstr("it exists and is not a regular file"));
  EXPECT_THAT(refusal(folder.file("none/run.h5")),
              HasSubstr("there is no folder " + folder.file("none")));
  EXPECT_THAT(refusal(folder.file("plain/run.h5")),
              HasSubstr("there is no folder " + folder.file("plain")));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST(RecordWriter, AReadOnlyFolderIsRefusedByName) {
  const TempFolder folder;
  ASSERT_EQ(chmod(folder.path().c_str(), 0555), 0);
  ChildProcess child([&](const ChildProcess::Say&) {
    if (geteuid() == 0 && seteuid(65534) != 0) return 2;  // the superuser may write anywhere
    const std::string error = refusal(folder.file("run.h5"));
    if (getuid() == 0 && seteuid(0) != 0) return 3;  // leak checkers need their rights back
    return error == "cannot create " + folder.file("run.h5.lock") + ": Permission denied" ? 0 : 1;
  });
  EXPECT_EQ(child.exit_code(), 0);
}

TEST(RecordWriter, APartThatCannotBeReplacedIsNamed) {
  const TempFolder folder;
  std::filesystem::create_directory(folder.file("run.h5.part"));
  EXPECT_THAT(refusal(folder.file("run.h5")),
              HasSubstr("cannot write " + folder.file("run.h5.part") + ": Is a directory"));
}

TEST(RecordWriter, AQuickRunTakesKilobytes) {
  const TempFolder folder;
  const std::string path = folder.file("run.h5");
  const auto writer = make_writer(path);
  for (int t = 0; t < 10; ++t) {
    writer->append(WindowRow{.t = t});
    for (int node = 0; node < 12; ++node) writer->append(NodeRow{.t = t, .node = node});
  }
  ASSERT_TRUE(writer->finish().ok());
  EXPECT_LT(std::filesystem::file_size(path), 32'000U);
}

TEST(FixedText, CutsBeforeACharacterThatDoesNotFit) {
  const FixedText<8> cut("abcdefg\xC3\xA4");  // the umlaut would end in byte 9
  EXPECT_EQ(cut.view(), "abcdefg");
  const FixedText<8> whole("abcdef\xC3\xA4");
  EXPECT_EQ(whole.view(), "abcdef\xC3\xA4");
}

}  // namespace
}  // namespace phoenix

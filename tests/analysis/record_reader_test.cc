// Files that are not what they should be: each is refused by a sentence that says why.
#include "analysis/record_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/analysis/record_content.h"
#include "tests/scenarios/record_fixtures.h"

namespace phoenix {
namespace {

using testing::HasSubstr;

std::string refusal(const std::string& path) {
  const Result<RecordReader> reader = RecordReader::open(path);
  return reader ? "" : reader.error();
}

class RecordReaderTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto writer = make_writer(path_);
    RecordContent().append_to(*writer);
    for (std::int64_t i = 0; i < 10'000; ++i) writer->append(request_row(i));
    ASSERT_TRUE(writer->finish().ok());
  }

  Hdf5Handle open_for_change() const {
    return {H5Fopen(path_.c_str(), H5F_ACC_RDWR, H5P_DEFAULT), H5Fclose};
  }

  const TempFolder folder_;
  const std::string path_ = folder_.file("run.h5");
};

TEST_F(RecordReaderTest, AMissingFileIsNamed) {
  EXPECT_EQ(refusal(folder_.file("no.h5")),
            "cannot read " + folder_.file("no.h5") + ": No such file or directory");
}

TEST_F(RecordReaderTest, AMissingRecordPointsAtItsPart) {
  std::filesystem::rename(path_, path_ + ".part");
  EXPECT_THAT(refusal(path_), HasSubstr("what there is of it is in " + path_ + ".part"));
}

TEST_F(RecordReaderTest, FoldersTextsAndEmptyFilesAreNoRecords) {
  EXPECT_THAT(refusal(folder_.path()), HasSubstr("it is a folder"));
  write_file(folder_.file("text"), "name = \"flash_crowd\"\n");
  EXPECT_EQ(refusal(folder_.file("text")),
            folder_.file("text") + " is not a run record: not an HDF5 file");
  write_file(folder_.file("empty"), "");
  EXPECT_THAT(refusal(folder_.file("empty")), HasSubstr("not an HDF5 file"));
}

TEST_F(RecordReaderTest, AnotherProgramsHdf5FileIsNoRecord) {
  const std::string other = folder_.file("other.h5");
  {
    const Hdf5Handle file(H5Fcreate(other.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT),
                          H5Fclose);
  }
  EXPECT_EQ(refusal(other), other +
                                " is not a run record: its attribute format is '' where "
                                "phoenix-run belongs");
}

TEST_F(RecordReaderTest, AnotherMajorVersionIsRefused) {
  {
    const Hdf5Handle file = open_for_change();
    ASSERT_GE(H5Adelete(file, "format_version"), 0);
    ASSERT_TRUE(write_attribute(file, "format_version", std::string_view("2.0")));
  }
  EXPECT_EQ(refusal(path_),
            "cannot read " + path_ + ": it has format version '2.0'; this program reads 1.x");
}

TEST_F(RecordReaderTest, AMissingTableIsNamedAndTheOthersAreRead) {
  ASSERT_GE(H5Ldelete(open_for_change(), "requests", H5P_DEFAULT), 0);
  const Result<RecordReader> reader = RecordReader::open(path_);
  ASSERT_TRUE(reader.ok());
  EXPECT_EQ(reader->rows<RequestRow>().error(),
            "cannot read " + path_ + ": it has no table 'requests'");
  EXPECT_TRUE(reader->rows<WindowRow>().ok());
}

TEST_F(RecordReaderTest, AMissingColumnIsNamed) {
  {
    const Hdf5Handle file = open_for_change();
    ASSERT_GE(H5Ldelete(file, "faults", H5P_DEFAULT), 0);
    const hsize_t one = 1;
    const Hdf5Handle space(H5Screate_simple(1, &one, nullptr), H5Sclose);
    const Hdf5Handle plain(
        H5Dcreate2(file, "faults", H5T_NATIVE_INT, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
        H5Dclose);
    ASSERT_TRUE(plain);
  }
  const Result<RecordReader> reader = RecordReader::open(path_);
  EXPECT_THAT(reader->rows<FaultRow>().error(), HasSubstr("table 'faults' has no column 'seq'"));
}

TEST_F(RecordReaderTest, DamagedDataIsRefusedByItsChecksum) {
  haddr_t place = 0;
  {
    const Hdf5Handle file = open_for_change();
    const Hdf5Handle dataset(H5Dopen2(file, "requests", H5P_DEFAULT), H5Dclose);
    const Hdf5Handle space(H5Dget_space(dataset), H5Sclose);
    hsize_t at = 0;
    unsigned mask = 0;
    hsize_t bytes = 0;
    ASSERT_GE(H5Dget_chunk_info(dataset, space, 0, &at, &mask, &place, &bytes), 0);
    place += bytes / 2;
  }
  std::fstream file(path_, std::ios::binary | std::ios::in | std::ios::out);
  file.seekg(static_cast<std::streamoff>(place));
  const char flipped = static_cast<char>(file.get() ^ 0x5A);
  file.seekp(static_cast<std::streamoff>(place));
  file.put(flipped);
  file.close();
  const Result<RecordReader> reader = RecordReader::open(path_);
  ASSERT_TRUE(reader.ok());
  EXPECT_THAT(reader->rows<RequestRow>().error(), HasSubstr("table 'requests': "));
  EXPECT_TRUE(reader->rows<FaultRow>().ok());
}

TEST_F(RecordReaderTest, ACutFileIsUnreadable) {
  std::filesystem::resize_file(path_, std::filesystem::file_size(path_) / 2);
  EXPECT_THAT(refusal(path_), HasSubstr("cannot read " + path_ + ": "));
}

TEST_F(RecordReaderTest, ARecordWithoutSummarySaysSo) {
  const Result<RecordReader> reader = RecordReader::open(path_);
  EXPECT_THAT(reader->summary().error(), HasSubstr("died before it could write a summary"));
}

}  // namespace
}  // namespace phoenix

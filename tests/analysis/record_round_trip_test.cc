// What goes into a record comes out of it: through the reader, through h5py, byte for byte.
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analysis/record_reader.h"
#include "tests/analysis/record_content.h"
#include "tests/scenarios/fixed_summary.h"
#include "tests/scenarios/record_fixtures.h"

namespace phoenix {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

RecordReader opened(const std::string& path) {
  Result<RecordReader> reader = RecordReader::open(path);
  if (!reader) ADD_FAILURE() << reader.error();
  return std::move(*reader);
}

// A row as the file has it, without the gaps of the struct.
template <class Row>
std::string packed(const Row& row) {
  std::string bytes;
  for (const Column& column : schema_of<Row>().columns) {
    bytes.append(reinterpret_cast<const char*>(&row) + column.offset, column.size);
  }
  return bytes;
}

template <class Row>
std::string only_row(const RecordReader& reader) {
  const auto rows = reader.rows<Row>();
  if (!rows || rows->size() != 1) {
    ADD_FAILURE() << schema_of<Row>().name;
    return "";
  }
  return packed(rows->front());
}

TEST(RecordRoundTrip, EveryFieldOfEveryTableComesBack) {
  const TempFolder folder;
  const std::string path = folder.file("run.h5");
  const auto writer = make_writer(path);
  const RecordContent content;
  content.append_to(*writer);
  ASSERT_TRUE(writer->finish().ok());

  const RecordReader reader = opened(path);
  EXPECT_EQ(only_row<RequestRow>(reader), packed(content.request));
  EXPECT_EQ(only_row<NodeRow>(reader), packed(content.node));
  EXPECT_EQ(only_row<WindowRow>(reader), packed(content.window));
  EXPECT_EQ(only_row<DecisionRow>(reader), packed(content.decision));
  EXPECT_EQ(only_row<FaultRow>(reader), packed(content.fault));
  EXPECT_EQ(only_row<HistogramRow>(reader), packed(content.histogram));
  EXPECT_TRUE(std::isnan(reader.rows<WindowRow>()->front().p99));
  EXPECT_FALSE(reader.is_live());
}

TEST(RecordRoundTrip, ColumnsCoverEveryByteOfTheirStruct) {
  for (const TableSchema* schema : all_schemas()) {
    std::size_t end = 0;
    for (const Column& column : schema->columns) {
      EXPECT_GE(column.offset, end) << schema->name << "." << column.name;
      EXPECT_LT(column.offset - end, 8U) << "before " << schema->name << "." << column.name;
      end = column.offset + column.size;
    }
    EXPECT_LT(schema->row_bytes - end, 8U) << "at the end of " << schema->name;
  }
}

TEST(RecordRoundTrip, AttributesSayWhereItCameFrom) {
  const TempFolder folder;
  const std::string path = folder.file("run.h5");
  ASSERT_TRUE(make_writer(path)->finish().ok());
  const RecordReader reader = opened(path);
  const RecordAttributes& a = reader.attributes();
  EXPECT_TRUE(a.complete);
  EXPECT_EQ(a.world, "sim");
  EXPECT_EQ(a.scenario_name, "small");
  EXPECT_EQ(a.scenario, small_scenario().text);
  EXPECT_EQ(a.overrides, "seed=9\nstrategies.balancer=p2c");
  EXPECT_EQ(a.strategy, "p2c[choices=2]");
  EXPECT_EQ(a.master_seed, 0xfedcba9876543210);
  EXPECT_EQ(a.replication, 3U);
  EXPECT_EQ(a.warmup_s, 5.0);
  EXPECT_EQ(a.duration_s, 20.0);
  EXPECT_EQ(a.writer_pid, getpid());
  EXPECT_EQ(a.git_commit, "abcdef123456");
  EXPECT_EQ(a.simgrid_version, "3.32");
  EXPECT_EQ(a.scenario_xxh64.size(), 16U);
  EXPECT_THAT(a.t0_utc, testing::MatchesRegex("....-..-..T..:..:..Z"));
}

TEST(RecordRoundTrip, NamesStandBehindIds) {
  const TempFolder folder;
  const std::string path = folder.file("run.h5");
  ASSERT_TRUE(make_writer(path)->finish().ok());
  const RecordReader reader = opened(path);
  EXPECT_THAT(*reader.names("nodes"), ElementsAre("new-0", "new-1"));
  EXPECT_THAT(*reader.names("groups"), ElementsAre("new"));
  EXPECT_THAT(*reader.names("classes"), ElementsAre("checkout", "browse"));
  EXPECT_THAT(*reader.names("services"), ElementsAre("shop"));
  EXPECT_THAT(*reader.names("faults"), ElementsAre("crash"));
  EXPECT_THAT(reader.names("gods").error(), HasSubstr("has no table 'names/gods'"));
}

TEST(RecordRoundTrip, LongScenariosAndThousandsOfNodesFit) {
  const TempFolder folder;
  const std::string path = folder.file("run.h5");
  for (const std::size_t size : {60U * 1024 - 1, 60U * 1024, 300U * 1024}) {
    Scenario scenario = small_scenario();
    scenario.text = std::string(size - 1, '#') + "\n";
    RecordOrigin origin = small_origin();
    for (int i = 0; i < 3'000; ++i) origin.node_names.push_back("node-" + std::to_string(i));
    auto writer = RecordWriter::create(path, scenario, origin);
    ASSERT_TRUE(writer.ok()) << writer.error();
    ASSERT_TRUE((*writer)->finish().ok());
    const RecordReader reader = opened(path);
    EXPECT_EQ(reader.attributes().scenario, scenario.text);
    EXPECT_EQ(reader.names("nodes")->back(), "node-2999");
  }
}

TEST(RecordRoundTrip, TheSummaryComesBackWithItsOrigin) {
  const TempFolder folder;
  const std::string path = folder.file("run.h5");
  const auto writer = make_writer(path);
  for (const SummaryRow& row : fixed_summary().to_rows()) writer->append(row);
  ASSERT_TRUE(writer->finish().ok());
  const Result<RunSummary> summary = opened(path).summary();
  ASSERT_TRUE(summary.ok());
  EXPECT_EQ(summary->scenario, "small");
  EXPECT_EQ(summary->balancer, "p2c[choices=2]");
  EXPECT_EQ(summary->seed, 0xfedcba9876543210);
  EXPECT_EQ(summary->replication, 3U);
  EXPECT_TRUE(summary->complete);
  EXPECT_EQ(summary->total.offered, 1'240'000U);
  EXPECT_EQ(summary->digest, 0xfedcba9876543210);
}

TEST(RecordRoundTrip, LongTablesAreReadInPieces) {
  const TempFolder folder;
  const std::string path = folder.file("run.h5");
  constexpr std::int64_t kRows = 20'001;
  const auto writer = make_writer(path);
  for (std::int64_t i = 0; i < kRows; ++i) writer->append(request_row(i));
  ASSERT_TRUE(writer->finish().ok());
  const RecordReader reader = opened(path);
  EXPECT_EQ(*reader.row_count<RequestRow>(), kRows);
  std::int64_t next = 0;
  for (std::int64_t first = 0; first < kRows; first += 6'000) {
    const Result<std::vector<RequestRow>> piece = reader.rows<RequestRow>(first, 6'000);
    ASSERT_TRUE(piece.ok());
    for (const RequestRow& row : *piece) {
      ASSERT_TRUE(row == request_row(next)) << next;
      ++next;
    }
  }
  EXPECT_EQ(next, kRows);
  EXPECT_TRUE(reader.rows<RequestRow>(kRows, 5)->empty());
  EXPECT_TRUE(reader.rows<RequestRow>(-1, 5)->empty());
}

// The rows as the file stores them, read without any knowledge of what they mean.
std::string table_bytes(const std::string& path, const char* table) {
  const Hdf5Handle file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose);
  const Hdf5Handle dataset(H5Dopen2(file, table, H5P_DEFAULT), H5Dclose);
  const Hdf5Handle type(H5Dget_type(dataset), H5Tclose);
  const Hdf5Handle space(H5Dget_space(dataset), H5Sclose);
  std::string bytes(
      H5Tget_size(type) * static_cast<std::size_t>(H5Sget_simple_extent_npoints(space)), '\0');
  EXPECT_GE(H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data()), 0);
  return bytes;
}

TEST(RecordRoundTrip, EqualAppendsGiveEqualBytesWheneverTheyAreFlushed) {
  const TempFolder folder;
  const std::string paths[] = {folder.file("a.h5"), folder.file("b.h5")};
  for (const std::string& path : paths) {
    const auto writer = make_writer(path);
    for (int i = 0; i < 9'000; ++i) {
      const auto padding = static_cast<unsigned char>(&path == &paths[0] ? 0xAA : 0x55);
      NodeRow row;
      std::memset(static_cast<void*>(&row), padding, sizeof(row));  // gaps must not reach the file
      row.t = i;
      row.node = i % 7;
      row.queue = row.in_service = 0;
      row.completed = row.refused = i;
      row.cpu = row.memory = row.network = 0.5F;
      row.up = 1;
      writer->append(row);
      writer->append(request_row(i));
      if (&path == &paths[1] && i % 1'000 == 0) writer->flush();
    }
    RecordContent().append_to(*writer);
    ASSERT_TRUE(writer->finish().ok());
  }
  for (const TableSchema* schema : all_schemas()) {
    EXPECT_EQ(table_bytes(paths[0], schema->name), table_bytes(paths[1], schema->name))
        << schema->name;
  }
  EXPECT_EQ(table_bytes(paths[0], "nodes").size(), 9'001U * 49);
}

// python3-h5py is installed with the other tools the tests need; Debian's Python has it.
TEST(RecordRoundTrip, H5pyReadsItWithoutOptions) {
  const TempFolder folder;
  const std::string path = folder.file("run.h5");
  const auto writer = make_writer(path);
  RecordContent().append_to(*writer);
  ASSERT_TRUE(writer->finish().ok());
  const std::string command =
      "/usr/bin/python3 '" PHOENIX_SOURCE_DIR "/tests/analysis/read_with_h5py.py' '" + path +
      "' requests=1 nodes=1 windows=1 decisions=1 faults=1 histograms=1 "
      "summary=0";
  EXPECT_EQ(std::system(command.c_str()), 0) << "is python3-h5py installed?";
}

}  // namespace
}  // namespace phoenix

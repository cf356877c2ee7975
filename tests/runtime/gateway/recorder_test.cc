// Records of a serving gateway: what is in a file, rotation, disks that fail, processes that die.
#include <csignal>
#include <cstdlib>
#include <regex>
#include <set>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "tests/runtime/gateway/recording.h"

namespace phoenix::gateway {
namespace {

using testing::answered_request;
using ::testing::ElementsAre;
using testing::ending_in;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::opened;
using testing::Recording;
using ::testing::SizeIs;

template <class Row>
std::vector<Row> rows_of(const RecordReader& reader) {
  Result<std::vector<Row>> rows = reader.rows<Row>();
  if (!rows) ADD_FAILURE() << rows.error();
  return rows ? std::move(*rows) : std::vector<Row>();
}

std::string only_record(const std::string& folder) {
  const std::vector<std::string> names = ending_in(folder, ".h5");
  EXPECT_THAT(names, SizeIs(1));
  return folder + "/" + (names.empty() ? "" : names.front());
}

std::uint64_t answered_well(const GatewayStatus& status) {
  std::uint64_t sum = 0;
  for (const ClassStatus& one : status.classes) sum += one.answers[0];
  return sum;
}

TEST(Recorder, AFinishedFileReadsLikeAnyRecord) {
  const TempFolder folder;
  Recording run(folder.path());
  run.start();
  for (std::uint64_t i = 0; i < 500; ++i) run.recorder->on_answer(answered_request(i));
  ASSERT_TRUE(run.take_pictures(5));
  ASSERT_TRUE(run.finish());
  EXPECT_EQ(run.told().records_dropped, 0U);
  EXPECT_EQ(run.told().record_error, "");

  const RecordReader reader = opened(only_record(folder.path()));
  EXPECT_TRUE(reader.attributes().complete);
  EXPECT_EQ(reader.attributes().world, "live");
  EXPECT_EQ(reader.attributes().scenario_name, "edge");
  EXPECT_EQ(reader.attributes().strategy, "p2c[choices=2]");
  EXPECT_THAT(*reader.names("nodes"), ElementsAre("web-1", "web-2", "web-3"));
  EXPECT_THAT(*reader.names("classes"), ElementsAre("browse", "checkout"));

  const std::vector<RequestRow> requests = rows_of<RequestRow>(reader);
  ASSERT_THAT(requests, SizeIs(500));
  EXPECT_EQ(requests[7].seq, 7);
  EXPECT_EQ(requests[7].answered - requests[7].arrived, 700'000);
  EXPECT_EQ(requests[7].arrived, 1'007'000'000) << "since the gateway started, at 1 s";
  EXPECT_EQ(requests[7].request_class, 1);
  EXPECT_EQ(requests[7].key, 21U);

  std::int64_t completed = 0;
  std::int64_t last = 0;
  for (const WindowRow& row : rows_of<WindowRow>(reader)) {
    EXPECT_GT(row.t, last);
    last = row.t;
    completed += row.completed;
    EXPECT_EQ(row.nodes_up, 2);
  }
  EXPECT_EQ(completed, static_cast<std::int64_t>(answered_well(run.gateway.now)));
  EXPECT_THAT(rows_of<NodeRow>(reader), SizeIs(3 * rows_of<WindowRow>(reader).size()));
  EXPECT_EQ(rows_of<DecisionRow>(reader).size(), run.gateway.now.decisions.size());
  std::int64_t in_histogram = 0;
  for (const HistogramRow& row : rows_of<HistogramRow>(reader)) {
    if (row.scope.view() == "total") in_histogram += row.count;
  }
  EXPECT_EQ(in_histogram, completed);

  const Result<RunSummary> summary = reader.summary();
  ASSERT_TRUE(summary) << summary.error();
  EXPECT_EQ(summary->total.completed, static_cast<std::uint64_t>(completed));
  EXPECT_EQ(summary->total.offered,
            summary->total.completed + summary->total.failed_total() + summary->total.in_flight);
  EXPECT_EQ(summary->retries, run.gateway.now.router.retries);
  EXPECT_TRUE(summary->complete);
  EXPECT_THAT(summary->targets, IsEmpty());
}

TEST(Recorder, TheSampleIsDrawnByNumberAlone) {
  const auto recorded = [](double sample) {
    const TempFolder folder;
    Recording run(folder.path());
    run.config.record.sample = sample;
    run.start(2);
    for (std::uint64_t i = 0; i < 10'000; ++i) {
      AnsweredRequest request = answered_request(i);
      request.thread = static_cast<int>(i % 2);
      run.recorder->on_answer(request);
    }
    EXPECT_TRUE(run.finish());
    std::set<std::int64_t> numbers;
    for (const RequestRow& row : rows_of<RequestRow>(opened(only_record(folder.path())))) {
      numbers.insert(row.seq);
    }
    return numbers;
  };
  const std::set<std::int64_t> quarter = recorded(0.25);
  // Binomial: mean 2,500, standard deviation 43; five of them.
  EXPECT_NEAR(static_cast<double>(quarter.size()), 2'500, 215);
  EXPECT_EQ(recorded(0.25), quarter);
  const std::set<std::int64_t> half = recorded(0.5);
  EXPECT_TRUE(std::includes(half.begin(), half.end(), quarter.begin(), quarter.end()));
  EXPECT_THAT(recorded(0), IsEmpty());
}

TEST(Recorder, AFullQueueDropsAndCountsAndNeverWaits) {
  const TempFolder folder;
  Recording run(folder.path());
  run.config.record.buffer = 16;
  // Nothing is taken off before the first picture.
  run.recorder = std::make_unique<Recorder>(run.loop, run.config, 2, 7);
  for (std::uint64_t i = 0; i < 100; ++i) run.recorder->on_answer(answered_request(i));
  AnsweredRequest elsewhere = answered_request(100);
  elsewhere.thread = 1;
  run.recorder->on_answer(elsewhere);
  EXPECT_EQ(run.told().records_dropped, 84U);
  run.recorder->watch(run.gateway);
  ASSERT_TRUE(run.finish());
  const std::vector<RequestRow> rows = rows_of<RequestRow>(opened(only_record(folder.path())));
  ASSERT_THAT(rows, SizeIs(17));
  EXPECT_EQ(rows[15].seq, 15);
  EXPECT_EQ(rows[16].seq, 100) << "the other thread's queue had room";
  EXPECT_EQ(run.told().records_dropped, 84U);
}

TEST(Recorder, FilesRotateAndOnlyTheNewestAreKept) {
  const TempFolder folder;
  const std::vector<std::string> others = {"gateway-20200101T000000.txt", "gateway-notes.h5",
                                           "gateway.h5", "other-20200101T000000.h5"};
  for (const std::string& name : others) write_file(folder.file(name), "not ours");
  write_file(folder.file("gateway-20200101T000000.h5"), "an old one");
  write_file(folder.file("gateway-20200101T000001.h5.part"), "died long ago");
  Recording run(folder.path());
  run.config.record.rotate_after = std::chrono::seconds(3);
  run.config.record.keep = 2;
  run.start();
  ASSERT_TRUE(run.take_pictures(12));
  ASSERT_TRUE(run.finish());
  for (const std::string& name : others) EXPECT_EQ(contents(folder.file(name)), "not ours");
  EXPECT_FALSE(exists(folder.file("gateway-20200101T000000.h5")));
  EXPECT_TRUE(exists(folder.file("gateway-20200101T000001.h5.part"))) << "one of two that may stay";
  EXPECT_THAT(ending_in(folder.path(), ".lock"), IsEmpty());

  std::vector<std::string> kept = ending_in(folder.path(), ".h5");
  std::erase_if(kept, [&](const std::string& name) {
    return std::find(others.begin(), others.end(), name) != others.end();
  });
  ASSERT_THAT(kept, SizeIs(2));
  for (const std::string& name : kept) {
    EXPECT_TRUE(std::regex_match(name, std::regex(R"(gateway-\d{8}T\d{6}(-\d\d)?\.h5)"))) << name;
    const RecordReader reader = opened(folder.file(name));
    EXPECT_TRUE(reader.attributes().complete);
    const std::vector<WindowRow> windows = rows_of<WindowRow>(reader);
    ASSERT_FALSE(windows.empty());
    EXPECT_EQ(windows.front().t, 1'000'000'000) << "time starts again with each file";
    EXPECT_LE(windows.back().t, 3'000'000'000);
    std::int64_t completed = 0;
    for (const WindowRow& row : windows) completed += row.completed;
    EXPECT_EQ(static_cast<std::uint64_t>(completed), reader.summary()->total.completed);
  }
}

TEST(Recorder, AFolderThatIsMissingCostsRowsAndIsTriedAgain) {
  const TempFolder folder;
  Recording run(folder.path());
  run.config.record.path = folder.file("later/gateway.h5");
  run.config.record.rotate_after = std::chrono::seconds(4);
  run.start();
  run.recorder->on_answer(answered_request(1));
  ASSERT_TRUE(run.await([](const GatewayStatus& told) { return told.record_error != ""; }));
  EXPECT_THAT(run.told().record_error, HasSubstr("there is no folder " + folder.file("later")));
  ASSERT_TRUE(run.await([](const GatewayStatus& told) { return told.records_dropped > 0; }));
  std::filesystem::create_directory(folder.file("later"));
  ASSERT_TRUE(run.await([](const GatewayStatus& told) { return told.records_written > 0; }));
  EXPECT_EQ(run.told().record_error, "");
  ASSERT_TRUE(run.finish());
  EXPECT_THAT(ending_in(folder.file("later"), ".h5").size(), ::testing::Ge(1U));
}

// A limit on the size of files fails the very calls that a full disk fails.
TEST(Recorder, ADiskThatFillsUpIsToldAndNothingElseFails) {
  const TempFolder folder;
  ChildProcess child([&](const ChildProcess::Say& say) {
    const rlimit most{200'000, 200'000};
    std::signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &most) != 0) return 77;
    dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
    Recording run(folder.path());
    run.start();
    std::uint64_t number = 0;
    const bool told = run.await([&](const GatewayStatus& status) {
      for (int i = 0; i < 2'000; ++i) {
        AnsweredRequest request = answered_request(++number);
        request.key = mix64(number);
        request.response_bytes = static_cast<double>(mix64(number) >> 12);
        run.recorder->on_answer(request);
      }
      return status.record_error.find("File too large") != std::string::npos &&
             status.records_dropped > 0;
    });
    say(told ? 1 : 0);
    return run.finish() ? 0 : 1;
  });
  EXPECT_EQ(child.await(), 1);
  EXPECT_EQ(child.exit_code(), 0);
  EXPECT_THAT(ending_in(folder.path(), ".h5"), IsEmpty()) << "no file that looks whole";
}

TEST(Recorder, AKilledProcessLeavesAReadablePartThatSaysItIsNotComplete) {
  const TempFolder folder;
  std::string part;
  {
    ChildProcess child([&](const ChildProcess::Say& say) {
      Recording run(folder.path());
      run.start();
      for (std::uint64_t i = 0; i < 3'000; ++i) run.recorder->on_answer(answered_request(i));
      say(1);
      run.loop.run();
      return 0;
    });
    ASSERT_TRUE(child.await());
    net::Loop loop;
    ASSERT_TRUE(net::drive(loop, [&] {
      const std::vector<std::string> parts = ending_in(folder.path(), ".part");
      if (parts.empty()) return false;
      part = folder.file(parts.front());
      const Result<RecordReader> reader = RecordReader::open(part);
      return reader && reader->row_count<RequestRow>() && *reader->row_count<RequestRow>() == 3'000;
    }));
    child.end(SIGKILL);
  }
  EXPECT_THAT(ending_in(folder.path(), ".h5"), IsEmpty());
  {
    const RecordReader reader = opened(part);
    EXPECT_FALSE(reader.attributes().complete);
    EXPECT_FALSE(reader.is_live());
    EXPECT_EQ(reader.attributes().world, "live");
    const std::vector<RequestRow> rows = rows_of<RequestRow>(reader);
    ASSERT_THAT(rows, SizeIs(3'000));
    EXPECT_EQ(rows.back().seq, 2'999);
    EXPECT_FALSE(rows_of<WindowRow>(reader).empty());
  }
  const std::string script =
      "import h5py,sys; f=h5py.File(sys.argv[1],'r',libver='latest',swmr=True); "
      "sys.exit(0 if len(f['requests'])>=3000 and f.attrs['complete']==0 else 1)";
  if (std::system("python3 -c 'import h5py' 2>/dev/null") == 0) {
    EXPECT_EQ(std::system(("python3 -c \"" + script + "\" '" + part + "'").c_str()), 0);
  }

  Recording next(folder.path());
  next.config.record.keep = 1;
  next.start();
  ASSERT_TRUE(next.finish());
  EXPECT_TRUE(exists(part)) << "what a dead process left is not taken away by the next";
}

TEST(Recorder, NodesThatComeAndGoAreRowsOfTheFile) {
  const TempFolder folder;
  Recording run(folder.path());
  run.start();
  ASSERT_TRUE(run.take_pictures(2));
  run.gateway.now.nodes.push_back(admin::testing::fake_node(3, "web-4"));
  ASSERT_TRUE(run.take_pictures(2));
  run.gateway.now.nodes.erase(run.gateway.now.nodes.begin());
  ASSERT_TRUE(run.take_pictures(2));
  ASSERT_TRUE(run.finish());
  std::vector<std::string> changes;
  std::int64_t seq = 0;
  for (const DecisionRow& row : rows_of<DecisionRow>(opened(only_record(folder.path())))) {
    EXPECT_EQ(row.seq, seq++);
    if (row.family.view() != "membership") continue;
    changes.push_back(std::string(row.action.view()) + " " + std::string(row.subject.view()) + " " +
                      std::to_string(static_cast<int>(row.value)));
  }
  EXPECT_THAT(changes, ElementsAre("join web-4 3", "leave web-1 0"));
}

TEST(Recorder, AClassThatAReloadAddsBeginsAFileThatKnowsIt) {
  const TempFolder folder;
  Recording run(folder.path());
  run.start();
  ASSERT_TRUE(run.take_pictures(2));
  ClassStatus more;
  more.service = "img";
  more.name = "browse";
  run.gateway.now.services.push_back({"img", "round_robin", false});
  run.gateway.now.classes.push_back(more);
  ASSERT_TRUE(run.take_pictures(2));
  ASSERT_TRUE(run.finish());
  const std::vector<std::string> names = ending_in(folder.path(), ".h5");
  ASSERT_THAT(names, SizeIs(2));
  std::vector<std::string> newest = *opened(folder.file(names[0])).names("classes");
  for (const std::string& name : names) {
    const auto classes = *opened(folder.file(name)).names("classes");
    if (classes.size() > newest.size()) newest = classes;
  }
  EXPECT_THAT(newest, ElementsAre("shop.browse", "checkout", "img.browse"));
}

TEST(Recorder, AReloadChangesTheSampleFromThenOn) {
  const TempFolder folder;
  Recording run(folder.path());
  run.config.record.sample = 0;
  run.start();
  run.recorder->on_answer(answered_request(1));
  GatewayConfig config = run.config;
  config.record.sample = 1;
  config.record.path = "";
  run.recorder->apply(config);
  run.recorder->on_answer(answered_request(2));
  ASSERT_TRUE(run.finish());
  const std::vector<RequestRow> rows = rows_of<RequestRow>(opened(only_record(folder.path())));
  ASSERT_THAT(rows, SizeIs(1)) << "at the old path, which cannot be switched off";
  EXPECT_EQ(rows[0].seq, 2);
}

TEST(Recorder, WithoutAnEndTheFileSaysItIsNotComplete) {
  const TempFolder folder;
  {
    Recording run(folder.path());
    run.start();
    ASSERT_TRUE(run.await([](const GatewayStatus& told) { return told.records_written > 0; }));
  }
  EXPECT_THAT(ending_in(folder.path(), ".h5"), IsEmpty());
  const std::vector<std::string> parts = ending_in(folder.path(), ".part");
  ASSERT_THAT(parts, SizeIs(1));
  EXPECT_FALSE(opened(folder.file(parts[0])).attributes().complete);
}

}  // namespace
}  // namespace phoenix::gateway

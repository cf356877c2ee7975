// Traces that are not what the scenario says are refused before the run, with file, line, column,
// what was found and what is allowed.
#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "tests/scenarios/trace_files.h"

namespace phoenix {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using testing::trace_error;
using testing::trace_scenario;

std::string csv_error(const std::string& content) {
  return trace_error(trace_scenario("t.csv", content));
}

std::string json_error(const std::string& content) {
  return trace_error(trace_scenario("t.jsonl", content));
}

TEST(TraceErrors, FileThatIsNotThere) {
  Scenario scenario = trace_scenario("t.csv", "");
  std::filesystem::remove(scenario.workload.trace.file);
  EXPECT_EQ(trace_error(scenario), "t.csv: cannot be read");
}

TEST(TraceErrors, FolderInPlaceOfAFile) {
  Scenario scenario = trace_scenario("t.csv", "");
  std::filesystem::create_directories(scenario.workload.trace.file + ".d.csv");
  scenario.workload.trace.file += ".d.csv";
  EXPECT_EQ(trace_error(scenario), "t.csv.d.csv:1: cannot be read");
}

TEST(TraceErrors, FormatNobodyNamed) {
  EXPECT_EQ(trace_error(trace_scenario("t.txt", "time\n1\n")).substr(0, 5), "t.txt");
  EXPECT_NE(trace_error(trace_scenario("t.txt", "time\n1\n"))
                .find("found no format; allowed \"csv\" or \"jsonl\", or a file that ends in .csv "
                      "or .jsonl"),
            std::string::npos);
}

TEST(TraceErrors, NoHeaderNoRows) {
  EXPECT_EQ(csv_error(""), "t.csv:1: found no header row; allowed one with the columns' names");
  EXPECT_EQ(csv_error("time\n\n"), "t.csv: found no rows; allowed at least one");
  EXPECT_EQ(json_error(""), "t.jsonl: found no rows; allowed at least one");
}

TEST(TraceErrors, UnknownColumnNamesTheNearest) {
  EXPECT_EQ(csv_error("\nTime,tme,size\n1,2,3\n"),
            "t.csv:2: found no column \"time\"; allowed Time, tme, size; did you mean \"Time\"?");
  EXPECT_EQ(json_error("{\"time\": 1}\n{\"tim\": 2}\n"),
            "t.jsonl:2: found no \"time\"; allowed tim; did you mean \"tim\"?");
}

TEST(TraceErrors, RowsOfAnotherWidth) {
  EXPECT_EQ(csv_error("time,size\n1,2\n2\n"),
            "t.csv:3: found 1 fields; allowed 2, as in the header row");
  EXPECT_EQ(csv_error("time,size\n1,2,3\n"),
            "t.csv:2: found 3 fields; allowed 2, as in the header row");
}

TEST(TraceErrors, QuotesThatDoNotEnd) {
  const std::string rest =
      ": found a quoted field without end; allowed \"text\" followed by a comma, with \"\" for a "
      "quote in it";
  EXPECT_EQ(csv_error("time,size\n1,\"2\n"), "t.csv:2" + rest);
  EXPECT_EQ(csv_error("time,size\n\"1\"x,2\n"), "t.csv:2" + rest);
}

TEST(TraceErrors, LinesTooLongForMemory) {
  EXPECT_EQ(csv_error("time\n" + std::string((1 << 20) + 5, '1') + "\n"),
            "t.csv:2: found a line of more than 1048576 bytes; allowed are shorter ones");
}

TEST(TraceErrors, JsonThatIsNone) {
  const std::string rest =
      ": found no JSON object; allowed one on each line, such as {\"time\": 1}";
  EXPECT_EQ(json_error("{\"time\": 1}\n{\"time\": 2\n"), "t.jsonl:2" + rest);
  EXPECT_EQ(json_error("[1, 2]\n"), "t.jsonl:1" + rest);
  EXPECT_EQ(json_error(std::string(500'000, '[') + "\n"), "t.jsonl:1" + rest);
}

TEST(TraceErrors, JsonValuesThatAreNoCell) {
  EXPECT_EQ(json_error("{\"time\": null}\n"),
            "t.jsonl:1: time: found null; allowed a number, a text or an array of these");
  EXPECT_EQ(json_error("{\"time\": {\"s\": 1}}\n"),
            "t.jsonl:1: time: found object; allowed a number, a text or an array of these");
  const std::string deep = std::string(200'000, '[') + std::string(200'000, ']');
  EXPECT_EQ(json_error("{\"time\": [" + deep + "]}\n"),
            "t.jsonl:1: time: found array; allowed a number, a text or an array of these");
}

TEST(TraceErrors, TimesThatAreNone) {
  const std::string rest =
      "\"; allowed a number of 1 s from the start of the run, or a date and time in every row";
  for (const std::string found : {"soon", "", "1 s", "nan", "inf", "1e300", "2023-11-16"}) {
    EXPECT_EQ(csv_error("time,size\n1,1\n" + found + ",1\n"),
              "t.csv:3: time: found \"" + found + rest);
  }
  for (const std::string found :
       {"2023-02-29 10:00:00", "2023-11-16 24:00:00", "2023-11-16 18:15:46.", "2023-11-16 18",
        "2023-11-16 18:15:46 ", "2023-13-16", "2023-11-16x18:15", "1066-10-14", "5"}) {
    EXPECT_EQ(csv_error("time\n2023-11-16 18:15:46\n\"" + found + "\"\n"),
              "t.csv:3: time: found \"" + found +
                  "\"; allowed a date and time such as \"2023-11-16 18:15:46.68\", years 1700 to "
                  "2200");
  }
}

TEST(TraceErrors, TimesThatGoBack) {
  EXPECT_EQ(csv_error("time\n-1\n"), "t.csv:2: time: found \"-1\"; allowed times from 0 on");
  EXPECT_EQ(csv_error("time\n1\n1\n\n0.5\n"),
            "t.csv:5: time: found \"0.5\"; allowed rows in the order of time, this one at 1 s from "
            "the start or later");
}

// A trace in Unix time would silently give a run without requests.
TEST(TraceErrors, FirstRowPastTheEnd) {
  EXPECT_EQ(csv_error("time\n200\n"),
            "t.csv: time: found a first row at 200 s; allowed before the run ends, at 100 s times "
            "the time scale");
}

TEST(TraceErrors, ColumnsThatAreNotNumbers) {
  Scenario scenario = trace_scenario("t.csv", "time,in\n1,5\n2,many\n");
  scenario.workload.trace.work_columns = {{"in", seconds(1)}};
  EXPECT_EQ(trace_error(scenario), "t.csv:3: in: found \"many\"; allowed a number of at least 0");
  scenario = trace_scenario("t.csv", "time,in\n1,-5\n");
  scenario.workload.trace.size_column = "in";
  EXPECT_EQ(trace_error(scenario), "t.csv:2: in: found \"-5\"; allowed a number of at least 0");
  scenario = trace_scenario("t.csv", "time,in\n1,0\n");
  scenario.workload.trace.size_column = "in";
  EXPECT_EQ(trace_error(scenario), "t.csv:2: in: found \"0\"; allowed a number above 0");
}

TEST(TraceErrors, LongTextsAreCut) {
  Scenario scenario = trace_scenario("t.csv", "time,in\n1," + std::string(500, 'x') + "\n");
  scenario.workload.trace.size_column = "in";
  EXPECT_EQ(trace_error(scenario), "t.csv:2: in: found \"" + std::string(60, 'x') +
                                       "...\"; allowed a number of at least 0");
}

TEST(TraceErrors, ClassesNobodyKnows) {
  Scenario scenario = trace_scenario("t.csv", "time,kind\n1,only\n2,olny\n");
  scenario.workload.trace.class_column = "kind";
  EXPECT_EQ(trace_error(scenario),
            "t.csv:3: kind: found \"olny\"; allowed only; did you mean \"only\"?");
}

Scenario intervals(const std::string& content) {
  Scenario scenario = trace_scenario("t.csv", content);
  scenario.duration = minutes(10);
  scenario.workload.trace.time_unit = minutes(1);
  scenario.workload.trace.count_column = "count";
  scenario.workload.trace.interval = minutes(1);
  return scenario;
}

TEST(TraceErrors, CountsThatAreNotWhole) {
  for (const std::string found : {"1.5", "-1", "", "1e16", "ten"}) {
    EXPECT_EQ(trace_error(intervals("time,count\n0," + found + "\n")),
              "t.csv:2: count: found \"" + found + "\"; allowed a whole number of at least 0");
  }
}

TEST(TraceErrors, IntervalsThatOverlap) {
  EXPECT_EQ(trace_error(intervals("time,count\n0,1\n0.5,1\n")),
            "t.csv:3: time: found \"0.5\"; allowed rows in the order of time, at or after the "
            "interval before ends, 1 min from the start");
}

TEST(TraceErrors, RepeatOfOneTime) {
  Scenario scenario = trace_scenario("t.csv", "time\n1\n1\n");
  scenario.workload.trace.repeat = true;
  EXPECT_EQ(trace_error(scenario),
            "t.csv: found one time only; allowed with repeat are two or more");
}

TEST(TraceErrors, AreFoundBeyondTheEndOfTheRunToo) {
  EXPECT_EQ(csv_error("time\n1\n500\nx\n").substr(0, 13), "t.csv:4: time");
}

// Half a trace must not pass for a whole one.
TEST(TraceErrorsDeathTest, AFileThatShrinksWhileItIsReplayed) {
  std::string content = "time\n";
  for (int i = 0; i < 100'000; ++i) content += "1.5\n";
  const Scenario scenario = trace_scenario("t.csv", content);
  EXPECT_DEATH(
      {
        const auto source = testing::source_of(scenario);
        std::filesystem::resize_file(scenario.workload.trace.file, 5);
        while (source->next_at() != kNever) static_cast<void>(source->next());
      },
      "the trace changed while it was replayed");
}

}  // namespace
}  // namespace phoenix

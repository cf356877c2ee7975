// The record of a gateway that is killed is readable and says that it is not complete; that of one
// that drains is whole.
#include "tests/runtime/system/cluster.h"

namespace phoenix::system_test {
namespace {

class Record : public ClusterTest {
 protected:
  void SetUp() override {
    start_gateway("[record]\npath = \"" + folder_.file("live.h5") +
                  "\"\nsample = 1.0\ninterval = \"20 ms\"\n" +
                  http_service("origin", {origin_.address()}, "/"));
    ASSERT_TRUE(gateway_->await_answers("/"));
  }
  // The only file of this ending.
  std::string file(const std::string& ending) const {
    std::string found;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
      if (entry.path().string().ends_with(ending)) found = entry.path();
    }
    return found;
  }
  void ask(int requests) const {
    RawClient client(gateway_->http());
    for (int i = 0; i < requests; ++i) {
      ASSERT_EQ(client.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").status, 200);
    }
  }
  // Rows of requests in it, as any Python user finds them; -1 where it is not as it should be.
  // python3-h5py is of Debian's Python.
  int rows_read(const std::string& path, const char* complete) {
    const std::string errors = folder_.file("python.log");
    Process python({"/usr/bin/python3", PHOENIX_SOURCE_DIR "/tests/runtime/system/read_part.py",
                    path, complete},
                   errors);
    const std::string printed = python.read_all();
    if (python.await_end() == 0) return std::atoi(printed.c_str());
    errors_ += contents(errors);
    return -1;
  }

  std::string errors_;
};

TEST_F(Record, OfAKilledGatewayIsReadableAndNotComplete) {
  ask(500);
  const long answered = gateway_->status("/classes/0/answered_well");
  const std::string part = file(".part");
  ASSERT_FALSE(part.empty());
  ASSERT_TRUE(await([&] { return rows_read(part, "0") >= 500; })) << errors_;
  gateway_->process().kill();
  EXPECT_EQ(file(".h5"), "") << "nothing that looks finished";
  const int rows = rows_read(part, "0");
  EXPECT_GE(rows, 500) << errors_;
  EXPECT_LE(rows, answered);
}

TEST_F(Record, OfADrainedGatewayIsCompleteAndHasEveryRequest) {
  ask(500);
  const long answered = gateway_->status("/classes/0/answered_well");
  EXPECT_EQ(gateway_->status("/record/dropped"), 0);
  gateway_->process().signal(SIGTERM);
  EXPECT_EQ(gateway_->process().await_end(), 0);
  EXPECT_EQ(file(".part"), "");
  const std::string whole = file(".h5");
  ASSERT_FALSE(whole.empty());
  EXPECT_EQ(rows_read(whole, "1"), answered) << errors_;
}

}  // namespace
}  // namespace phoenix::system_test

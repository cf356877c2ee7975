// The gateway as curl sees it, in front of Debian's nginx, of an origin that tells what it saw, and
// of nodes.
#include <random>

#include "tests/runtime/system/cluster.h"

namespace phoenix::system_test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::size_t kBodyMax = 1 << 20;
constexpr std::size_t kLarge = 50 << 20;

std::string random_bytes(std::size_t size) {
  std::mt19937_64 random(7);
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i + 8 <= size; i += 8) {
    const std::uint64_t word = random();
    std::memcpy(bytes.data() + i, &word, 8);
  }
  return bytes;
}

class Curl : public ClusterTest {
 protected:
  void SetUp() override {
    SKIP_WITHOUT("curl");
    SKIP_WITHOUT("nginx");
    folder_.write("page.txt", std::string(4000, 'p'));
    folder_.write("large.bin", random_bytes(kLarge));
    folder_.write("frame.bin", random_bytes(kFrameFile));
    Nginx& nginx = start_nginx("location /gone { return 404; } location /none { return 204; }");
    start_gateway(
        "[http_limits]\nbody = \"1 MiB\"\n" + http_service("files", {nginx.address()}, "/") +
        http_service("echo", {origin_.address()}, "/echo") +
        http_service("chunked", {origin_.address()}, "/chunked") + node_service("relay", "/relay"));
    start_node("n1", {"--service", "relay=http:" + start_nginx(kRelayed).address().text()});
    ASSERT_TRUE(gateway_->await_nodes(1));
    ASSERT_TRUE(gateway_->await_answers("/page.txt"));
    ASSERT_TRUE(gateway_->await_answers("/echo"));
    origin_.forget();
  }

  Ended curl(std::vector<std::string> options, const std::string& target = "/page.txt") {
    options.insert(options.begin(), {find_program("curl"), "-sS", "--max-time", "30"});
    options.push_back(gateway_->url(target));
    return run(options);
  }

  static constexpr std::size_t kFrameFile = 14 << 20;
  static constexpr const char* kRelayed = "location /relay/ { alias /; } ";
};

TEST_F(Curl, GetsAFileAndItsHeaders) {
  const Ended got = curl({"-i"});
  EXPECT_EQ(got.code, 0);
  EXPECT_THAT(got.out, AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), HasSubstr("Content-Length: 4000"),
                             HasSubstr("ETag: "), HasSubstr(std::string(4000, 'p'))));
}

TEST_F(Curl, HeadHasTheLengthAndNoBody) {
  const Ended got = curl({"-I"});
  EXPECT_EQ(got.code, 0);
  EXPECT_THAT(got.out, AllOf(HasSubstr("Content-Length: 4000\r\n"), testing::EndsWith("\r\n\r\n")));
}

TEST_F(Curl, StatusesWithoutBodyComeThrough) {
  EXPECT_EQ(curl({"-o", "/dev/null", "-w", "%{http_code}"}, "/gone").out, "404");
  EXPECT_EQ(curl({"-w", "%{http_code} %{size_download}"}, "/none").out, "204 0");
  const Ended fresh = curl({"-o", "/dev/null", "-D", "-"});
  const std::string tag = header_of(fresh.out, "ETag");
  EXPECT_EQ(curl({"-H", "If-None-Match: " + tag, "-w", "%{http_code}"}).out, "304");
}

TEST_F(Curl, PostsABodyOfAnySizeByteForByte) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{70'000}, kBodyMax}) {
    const std::string body = random_bytes(size / 8 * 8) + std::string(size % 8, 'x');
    const std::string file = folder_.write("body", body);
    const Ended got =
        curl({"-X", "POST", "--data-binary", "@" + file, "-o", "/dev/null", "-w", "%{http_code}"},
             "/echo");
    EXPECT_EQ(got.out, "200") << size;
    EXPECT_EQ(origin_.last().method, "POST");
    EXPECT_TRUE(origin_.last().body == body) << size << " became " << origin_.last().body.size();
  }
}

TEST_F(Curl, ABodyOneBeyondTheLimitIs413AndReachesNobody) {
  const std::string file = folder_.write("body", std::string(kBodyMax + 1, 'x'));
  const std::vector<std::string> shared = {"--data-binary", "@" + file, "-o",
                                           "/dev/null",     "-w",       "%{http_code}"};
  EXPECT_EQ(curl(shared, "/echo").out, "413");
  std::vector<std::string> chunked = shared;
  chunked.insert(chunked.end(), {"-H", "Transfer-Encoding: chunked"});
  EXPECT_EQ(curl(chunked, "/echo").out, "413");
  EXPECT_EQ(origin_.count(), 0U);
  EXPECT_EQ(gateway_->status("/http/refused/body_too_long"), 2);
}

TEST_F(Curl, UploadsInChunks) {
  const std::string body = random_bytes(200'000);
  const std::string file = folder_.write("body", body);
  const Ended got = curl(
      {"-T", file, "-H", "Transfer-Encoding: chunked", "-o", "/dev/null", "-w", "%{http_code}"},
      "/echo");
  EXPECT_EQ(got.out, "200");
  EXPECT_TRUE(origin_.last().body == body);
  EXPECT_EQ(header_of(origin_.last().head, "Transfer-Encoding"), "");
  EXPECT_EQ(header_of(origin_.last().head, "Content-Length"), "200000");
}

TEST_F(Curl, GetsAnswersInChunks) {
  const std::string body = random_bytes(900'000);
  const std::string file = folder_.write("body", body);
  const std::string head = folder_.file("head");
  const Ended got = curl({"--data-binary", "@" + file, "-D", head}, "/chunked");
  EXPECT_EQ(got.code, 0);
  EXPECT_TRUE(got.out.ends_with(body));
  EXPECT_THAT(contents(head),
              AllOf(HasSubstr("Transfer-Encoding: chunked\r\n"), Not(HasSubstr("X-Secret"))));
}

TEST_F(Curl, ExpectsAndGets100Continue) {
  const std::string file = folder_.write("body", std::string(5000, 'e'));
  const Ended got = curl({"--data-binary", "@" + file, "-H", "Expect: 100-continue",
                          "--expect100-timeout", "20", "-i", "-w", "\ntime %{time_total}"},
                         "/echo");
  EXPECT_THAT(got.out, AllOf(StartsWith("HTTP/1.1 100 Continue\r\n"), HasSubstr("HTTP/1.1 200 ")));
  EXPECT_EQ(origin_.last().body.size(), 5000U);
}

TEST_F(Curl, SpeaksHttp10) {
  const Ended closed = curl({"-0", "-i"});
  EXPECT_THAT(closed.out, AllOf(StartsWith("HTTP/1."), HasSubstr(std::string(4000, 'p'))));
  const Ended whole = curl({"-0", "-d", "ten", "-D", "-"}, "/chunked");
  EXPECT_EQ(whole.code, 0);
  EXPECT_THAT(whole.out, AllOf(Not(HasSubstr("Transfer-Encoding: chunked\r\n\r\n")),
                               HasSubstr("\r\n\r\nten")));
}

TEST_F(Curl, OneConnectionServesManyRequests) {
  std::vector<std::string> options = {"-w", "%{num_connects}\n"};
  for (int i = 0; i < 9; ++i) {
    options.insert(options.end(), {"-o", "/dev/null", gateway_->url()});
  }
  const long before = gateway_->status("/http/listener/accepted");
  options.insert(options.end(), {"-o", "/dev/null"});
  const Ended got = curl(options);
  EXPECT_EQ(got.out, "1\n0\n0\n0\n0\n0\n0\n0\n0\n0\n");
  EXPECT_EQ(gateway_->status("/http/listener/accepted"), before + 1);
}

TEST_F(Curl, DownloadsFiftyMegabytesExactly) {
  const std::string file = folder_.file("got");
  const Ended got = curl({"-o", file, "-w", "%{http_code} %{size_download}"}, "/large.bin");
  EXPECT_EQ(got.out, "200 " + std::to_string(kLarge));
  EXPECT_TRUE(contents(file) == contents(folder_.file("large.bin")));
}

TEST_F(Curl, ASlowReaderGetsAllOfALargeFile) {
  const std::string file = folder_.file("got");
  const Ended got = curl({"-o", file, "--limit-rate", "60M", "-w", "%{http_code}"}, "/large.bin");
  EXPECT_EQ(got.out, "200");
  EXPECT_TRUE(contents(file) == contents(folder_.file("large.bin")));
  EXPECT_LT(resident_kib(gateway_->process().pid()), 40 * 1024)
      << "the file is passed on, not kept";
}

TEST_F(Curl, NodesCarryAnswersUpToTheirBoundAndRefuseLongerOnes) {
  const std::string file = folder_.file("got");
  const std::string path = "/relay" + folder_.path();
  const Ended got = curl({"-o", file, "-w", "%{http_code}"}, path + "/frame.bin");
  EXPECT_EQ(got.out, "200");
  EXPECT_TRUE(contents(file) == contents(folder_.file("frame.bin")));
  const Ended refused = curl({"-w", "%{http_code}"}, path + "/large.bin");
  EXPECT_THAT(refused.out, testing::EndsWith("502"));
  EXPECT_EQ(curl({"-o", "/dev/null", "-w", "%{http_code}"}, path + "/page.txt").out, "200");
}

TEST_F(Curl, CompressedContentIsNotTouched) {
  const std::string raw = folder_.file("raw");
  const Ended got = curl({"-H", "Accept-Encoding: gzip", "-o", raw, "-D", "-"});
  EXPECT_THAT(got.out, HasSubstr("Content-Encoding: gzip"));
  EXPECT_THAT(contents(raw), StartsWith("\x1f\x8b"));
  EXPECT_EQ(curl({"--compressed"}).out, std::string(4000, 'p'));
}

TEST_F(Curl, RangesPass) {
  const Ended got = curl({"-r", "10-19", "-i"});
  EXPECT_THAT(got.out,
              AllOf(StartsWith("HTTP/1.1 206 "), HasSubstr("Content-Range: bytes 10-19/4000"),
                    testing::EndsWith("\r\n\r\npppppppppp")));
}

}  // namespace
}  // namespace phoenix::system_test

// What the HTTP fuzz target looks for, on inputs mutated from a fixed seed, so that every compiler
// and sanitizer sees them without libFuzzer.
#include <iterator>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "strategies/core/random.h"
#include "tests/fuzz/http_property.h"

namespace phoenix::http {
namespace {

constexpr std::string_view kRequests[] = {
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET http://a/b HTTP/1.1\r\nHost: a\r\nConnection: close, x\r\nX: y\r\n\r\n",
    "POST /a?b=c HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
    "PUT /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    "5;e=f\r\nhello\r\n10\r\n0123456789abcdef\r\n0\r\nTrailer: t\r\n\r\n",
    "HEAD / HTTP/1.0\r\nConnection: keep-alive\r\nKeep-Alive: 5\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
    "OPTIONS * HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n"};

constexpr std::string_view kResponses[] = {
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "HTTP/1.1 204 No Content\r\nServer: s\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "HTTP/1.0 404 Not Found\r\nConnection: close\r\n\r\nuntil the end",
    "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"};

constexpr std::string_view kPieces[] = {"\r\n",
                                        "\n",
                                        "\r",
                                        " ",
                                        "\t",
                                        ":",
                                        "Content-Length: 7\r\n",
                                        "\r\n\r\n",
                                        "chunked",
                                        "Host: b\r\n",
                                        "0\r\n",
                                        "ffffffff",
                                        "-1",
                                        "Transfer-Encoding: chunked\r\n",
                                        "HTTP/1.1",
                                        "HTTP/2.0",
                                        ", ",
                                        "\x80",
                                        "+5",
                                        "0x5\r\n",
                                        "X: a\r\n b\r\n"};

void mutate(std::string& input, Random& random) {
  const std::size_t at = 1 + random.below(input.size());
  switch (random.below(4)) {
    case 0:
      input.insert(at, kPieces[random.below(std::size(kPieces))]);
      break;
    case 1:
      input.erase(at, random.below(10));
      break;
    case 2:
      if (at < input.size()) input[at] = static_cast<char>(random.below(256));
      break;
    default:
      input.insert(at, random.below(2000), static_cast<char>('0' + random.below(80)));
  }
}

TEST(HttpMutations, ObeyTheProperties) {
  Random random(41);
  property::Depth depth;
  for (int i = 0; i < 20'000; ++i) {
    const bool is_request = random.below(2) == 0;
    std::string input(1, static_cast<char>(random.below(128) * 2 + (is_request ? 1 : 0)));
    for (std::uint64_t n = 1 + random.below(3); n > 0; --n) {
      input += is_request ? kRequests[random.below(std::size(kRequests))]
                          : kResponses[random.below(std::size(kResponses))];
    }
    for (std::uint64_t n = random.below(4); n > 0; --n) mutate(input, random);
    property::check_input(input, depth);
  }
  // Six readings of each input; not only the first check was reached.
  EXPECT_GT(depth.heads, 60'000U);
  EXPECT_GT(depth.ends, 60'000U);
  EXPECT_GT(depth.refused, 20'000U);
}

}  // namespace
}  // namespace phoenix::http

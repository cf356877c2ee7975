// phoenix-node as a process: what it prints, how it ends.
#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/node/synthetic_body.h"
#include "tests/runtime/node/peers.h"
#include "tests/runtime/node/serve.h"

namespace phoenix::node {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// A child whose output comes through a pipe; killed where a test leaves it running.
class Process {
 public:
  explicit Process(std::vector<std::string> arguments, bool with_errors = false) {
    int ends[2];
    if (::pipe(ends) != 0) return;
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(ends[1], STDOUT_FILENO);
      if (with_errors) ::dup2(ends[1], STDERR_FILENO);
      ::close(ends[0]);
      ::close(ends[1]);
      std::vector<char*> argv{const_cast<char*>(PHOENIX_NODE)};
      for (std::string& argument : arguments) argv.push_back(argument.data());
      argv.push_back(nullptr);
      ::execv(PHOENIX_NODE, argv.data());
      ::_exit(127);
    }
    ::close(ends[1]);
    out_ = ::fdopen(ends[0], "r");
  }
  ~Process() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    if (out_ != nullptr) std::fclose(out_);
  }

  std::string read_line() {
    std::string line;
    for (int c = std::fgetc(out_); c != EOF && c != '\n'; c = std::fgetc(out_)) {
      line += static_cast<char>(c);
    }
    return line;
  }
  std::string read_all() {
    std::string text;
    for (int c = std::fgetc(out_); c != EOF; c = std::fgetc(out_)) text += static_cast<char>(c);
    return text;
  }
  void signal(int number) const { ::kill(pid_, number); }
  // -1 where it was killed by a signal.
  int await_end() {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t pid_ = -1;
  std::FILE* out_ = nullptr;
};

const std::vector<std::string> kQuiet = {"--listen", "127.0.0.1:0", "--log-level", "off"};

std::vector<std::string> with(std::vector<std::string> more) {
  more.insert(more.begin(), kQuiet.begin(), kQuiet.end());
  return more;
}

net::Address ready_address(Process& process) {
  const nlohmann::json ready = nlohmann::json::parse(process.read_line(), nullptr, false);
  if (!ready.is_object()) return {};
  return *net::Address::parse(ready.value("listen", "0"));
}

TEST(NodeToolTest, SaysWhereItListensServesAndDrains) {
  Process process(with({"--service", "shop=synthetic", "--service", "echo=echo"}));
  const net::Address address = ready_address(process);
  ASSERT_NE(address.port, 0);
  net::Loop loop;
  TestClient client(loop, address);
  client.request(1, "echo", "hello");
  ASSERT_TRUE(serve_until(loop, [&] { return client.responses.contains(1); }));
  EXPECT_EQ(client.responses[1].body, "hello");
  std::string work;
  encode_synthetic({300'000'000, 5, 0}, 0, work);
  client.request(2, "shop", work);
  client.request(3, "echo", "sent after it");
  ASSERT_TRUE(serve_until(loop, [&] { return client.responses.contains(3); }));
  process.signal(SIGTERM);
  EXPECT_TRUE(serve_until(loop, [&] { return client.is_closed; }));
  EXPECT_EQ(client.responses[2].body.size(), 5U) << "under way when it was told to end";
  EXPECT_EQ(process.await_end(), 0);
}

TEST(NodeToolTest, ASecondSignalEndsItAtOnce) {
  Process process(with({"--service", "shop=synthetic"}));
  const net::Address address = ready_address(process);
  ASSERT_NE(address.port, 0);
  net::Loop loop;
  TestClient client(loop, address);
  std::string work;
  encode_synthetic({3'000'000'000'000, 0, 0}, 0, work);
  client.request(1, "shop", work);
  ASSERT_TRUE(serve_until(loop, [&] { return client.has_hello; }));
  process.signal(SIGTERM);
  client.request(2, "shop", work);  // refused once the first signal has been seen
  ASSERT_TRUE(serve_until(loop, [&] {
    if (!client.responses.contains(2)) client.request(2, "shop", work);
    return client.responses.contains(2);
  }));
  process.signal(SIGINT);
  EXPECT_EQ(process.await_end(), 1);
}

TEST(NodeToolTest, HelpHasExamplesAndHandlersAreListed) {
  Process help({"--help"});
  EXPECT_THAT(help.read_all(), AllOf(HasSubstr("usage: phoenix-node"), HasSubstr("examples:"),
                                     HasSubstr("--gateway")));
  EXPECT_EQ(help.await_end(), 0);
  Process handlers({"--handlers"});
  EXPECT_THAT(handlers.read_all(), AllOf(HasSubstr("synthetic: "), HasSubstr("mode = wait")));
  EXPECT_EQ(handlers.await_end(), 0);
}

TEST(NodeToolTest, BadInputIsNamedAndRefused) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{}, "--service"},
      {{"--service", "api"}, "NAME=HANDLER"},
      {{"--service", "a=echo", "--cores", "0"}, "--cores 0: must be in [1, 1024]"},
      {{"--service", "a=echo", "--discipline", "fif"}, "did you mean \"fifo\""},
      {{"--service", "a=echo", "--memory", "16 parsecs"}, "--memory 16 parsecs"},
      {{"--service", "a=echo", "--gateway", "here:there"}, "--gateway here:there"},
      {{"--service", "a=echo", "--listen", "0.0.0.0:0"}, "--allow-public"},
      {{"--service", "a=echo", "--token-file", "/nowhere/token"}, "--token-file"},
      {{"--service", "a=echo", "--grace", "30"}, "--grace 30"},
      {{"--service", "a=echo", "--grace", "-1s"}, "--grace -1s: must be 0 or more"},
      {{"--service", "a=echo", "--batch-delay", "2s"}, "--batch-delay 2s: allowed is 0 to 1 s"},
      {{"--service", "a=echo", "--report-interval", "1us"}, "at least 10 ms"},
      {{"--service", "a=echo", "--memory", "-1GiB"}, "--memory -1GiB: must be 0 B or more"},
      {{"--service", "a=echo", "--gateway", "127.0.0.1:0"}, "the port must not be 0"},
      {{"--service", "a=echo", "--advertise", "127.0.0.1:0"}, "the port must not be 0"},
      {{"--service", "a=echo", "--log-level", "loud"}, "allowed are"},
      {{"--service", "a=echo", "--colour"}, "colour"},
      {{"--service", "a=echo", "surplus"}, "positional"},
      {{"--service", "a=ecko"}, "did you mean \"echo\""},
      {{"--service", "a=kv[size=1]"}, "size"},
      {{"--service", "a=plugin[file=/nowhere/app.so]"}, "/nowhere/app.so"},
      {{"--service", "a=echo", "--service", "a=kv"}, "given twice"},
      {{"--service", "a=echo", "--tls-certificate", "/nowhere/c.pem"}, "/nowhere/c.pem"}};
  for (const auto& [arguments, complaint] : cases) {
    Process process(arguments, true);
    EXPECT_THAT(process.read_all(), HasSubstr(complaint));
    EXPECT_EQ(process.await_end(), 2) << complaint;
  }
}

TEST(NodeToolTest, WhatCannotStartIsAFailure) {
  Process first(with({"--service", "a=echo"}));
  const std::string taken = ready_address(first).text();
  Process second({"--service", "a=echo", "--listen", taken}, true);
  EXPECT_THAT(second.read_all(), HasSubstr(taken));
  EXPECT_EQ(second.await_end(), 1);
}

}  // namespace
}  // namespace phoenix::node

// Shared objects as handlers: the example works and moves its state; wrong ones are refused by
// name; one that throws costs the request a 500 and nothing else.
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/node/handlers.h"
#include "runtime/node/services.h"
#include "tests/runtime/node/calls.h"
#include "tests/runtime/node/serve.h"

namespace phoenix::node {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class PluginTest : public ::testing::Test {
 protected:
  Result<MadeHandler> make(const std::string& settings) {
    return make_handler("plugin[" + settings + "]", {loop_, cores_, slowdowns_, 3, 1.0, 100});
  }
  Result<MadeHandler> make_flawed(const std::string& flaw) {
    return make("file=" PHOENIX_FLAWED_PLUGINS "/libplugin_" + flaw + ".so");
  }

  net::Loop loop_;
  SyntheticCores cores_{loop_, 3, 1.0, Discipline::kProcessorSharing};
  Slowdowns slowdowns_;
};

constexpr const char* kExample = "file=" PHOENIX_WORDCOUNT;

TEST_F(PluginTest, TheExampleCountsWords) {
  const Result<MadeHandler> made = make(kExample);
  ASSERT_TRUE(made.ok()) << made.error();
  EXPECT_EQ(made->place, Place::kThreads);
  EXPECT_EQ(made->at_once, 3);
  EXPECT_EQ(ask(*made->handler, http_request("POST", "/", " to be\nor not ")).body,
            "4 words, 4 in all\n");
  EXPECT_EQ(ask(*made->handler, http_request("POST", "/", "")).body, "0 words, 4 in all\n");
}

TEST_F(PluginTest, SettingsReachThePluginAndTheNode) {
  const Result<MadeHandler> made = make(std::string(kExample) + ", at_once=1, shortest=3");
  ASSERT_TRUE(made.ok()) << made.error();
  EXPECT_EQ(made->at_once, 1);
  EXPECT_EQ(ask(*made->handler, http_request("POST", "/", "to be or not")).body,
            "1 words, 1 in all\n");
  EXPECT_THAT(make(std::string(kExample) + ", shortest=many").error(),
              AllOf(HasSubstr("shortest = many"), HasSubstr("whole number")));
  EXPECT_THAT(make(std::string(kExample) + ", at_once=0").error(), HasSubstr("[1, 1024]"));
}

TEST_F(PluginTest, ItsStateMoves) {
  const Result<MadeHandler> from = make(kExample), to = make(kExample);
  ask(*from->handler, http_request("POST", "/", "one two three"));
  ASSERT_TRUE(to->handler->restore(*from->handler->snapshot()).ok());
  EXPECT_EQ(ask(*to->handler, http_request("POST", "/", "four")).body, "1 words, 4 in all\n");
  EXPECT_FALSE(to->handler->restore("many").ok());
}

TEST_F(PluginTest, WhatIsNoPluginIsRefusedByName) {
  EXPECT_THAT(make("at_once=2").error(), HasSubstr("file"));
  EXPECT_THAT(make("file=/nowhere/app.so").error(), HasSubstr("/nowhere/app.so"));
  EXPECT_THAT(make("file=" PHOENIX_SOURCE_DIR "/README.md").error(), HasSubstr("README.md"));
  EXPECT_THAT(make_flawed("no_abi").error(), HasSubstr("does not export phoenix_handler_abi"));
  EXPECT_THAT(make_flawed("no_maker").error(), HasSubstr("does not export phoenix_make_handler"));
  EXPECT_THAT(make_flawed("wrong_abi").error(),
              AllOf(HasSubstr("found handler ABI 5"), HasSubstr("takes 4")));
}

TEST_F(PluginTest, OneThatThrowsCostsTheRequestA500) {
  const Result<MadeHandler> made = make_flawed("throwing");
  ASSERT_TRUE(made.ok()) << made.error();
  EXPECT_EQ(ask(*made->handler, http_request("GET", "/")).status, 500);
  EXPECT_THAT(made->handler->snapshot().error(), HasSubstr("not today"));
  EXPECT_THAT(made->handler->restore("x").error(), HasSubstr("not today"));
}

TEST_F(PluginTest, OneThatCannotGiveItsStateStaysAndServesOn) {
  std::vector<AttemptResult> results;
  const std::string text = "plugin[file=" PHOENIX_FLAWED_PLUGINS "/libplugin_throwing.so]";
  const auto services = Services::make(
      loop_, {}, {{"work", text}},
      [&](const ReturnAddress&, CallReply reply) { results.push_back(reply.result); });
  ASSERT_TRUE(services.ok()) << services.error();
  std::string failure;
  (*services)->take("work", Services::What::kState, [&](const Result<std::string>& state) {
    failure = state.ok() ? "a state of " + std::to_string(state->size()) : state.error();
  });
  EXPECT_THAT(failure, HasSubstr("not today"));
  CallRequest request;
  request.service = "work";
  (*services)->submit({1, 1}, request);
  ASSERT_TRUE(serve_until(loop_, [&] { return results.size() == 1; }));
  EXPECT_EQ(results[0], AttemptResult::kError) << "carried out, not refused";
}

}  // namespace
}  // namespace phoenix::node

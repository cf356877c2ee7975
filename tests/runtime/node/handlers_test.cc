// The built-in handlers as their users see them: what they are called, what they answer, and that
// state moves.
#include "runtime/node/handlers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/node/kv_handler.h"
#include "runtime/node/synthetic_body.h"
#include "tests/runtime/node/calls.h"

namespace phoenix::node {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class HandlersTest : public ::testing::Test {
 protected:
  Result<MadeHandler> make(const std::string& text) {
    return make_handler(text, {loop_, cores_, slowdowns_, 4, 1.0, 100});
  }

  net::Loop loop_;
  SyntheticCores cores_{loop_, 4, 1.0, Discipline::kProcessorSharing};
  Slowdowns slowdowns_;
};

TEST_F(HandlersTest, UnknownNamesAndSettingsAreErrorsThatHelp) {
  EXPECT_THAT(make("ecco").error(),
              AllOf(HasSubstr("\"ecco\""), HasSubstr("did you mean \"echo\"")));
  EXPECT_THAT(make("kv[memry=5000]").error(), HasSubstr("did you mean \"memory\""));
  EXPECT_THAT(make("kv[memory=5]").error(), HasSubstr("[1024, "));
  EXPECT_THAT(make("synthetic[mode=sleep]").error(), HasSubstr("wait or burn"));
  EXPECT_THAT(make("echo[loud=true]").error(), HasSubstr("it has none"));
  EXPECT_THAT(make("http").error(), HasSubstr("server"));
  EXPECT_THAT(make("http:nowhere:x").error(), HasSubstr("nowhere:x"));
  EXPECT_THAT(make("").error(), HasSubstr("handler"));
}

TEST_F(HandlersTest, ListsEveryHandlerItMakes) {
  std::vector<std::string> names;
  for (const HandlerInfo& info : list_handlers()) names.push_back(info.name);
  EXPECT_THAT(names, testing::ElementsAre("synthetic", "echo", "kv", "http", "plugin"));
}

TEST_F(HandlersTest, PrintsItselfBackInFull) {
  const std::string text = make("synthetic[queue=7]")->text;
  EXPECT_THAT(text, HasSubstr("queue=7"));
  const Result<MadeHandler> again = make(text);
  ASSERT_TRUE(again.ok()) << again.error();
  EXPECT_EQ(again->text, text);
}

TEST_F(HandlersTest, EchoAnswersWithTheBodyAndItsType) {
  CallRequest request = http_request("POST", "/", "hello");
  request.headers = "Content-Type: text/x-test\r\nAccept: */*\r\n";
  const CallReply reply = ask(*make("echo")->handler, request);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, "hello");
  EXPECT_EQ(reply.headers, "Content-Type: text/x-test\r\n");
}

TEST_F(HandlersTest, HandlersWithoutStateRefuseOne) {
  const Result<MadeHandler> echo = make("echo");
  EXPECT_EQ(*echo->handler->snapshot(), "");
  EXPECT_TRUE(echo->handler->restore("").ok());
  EXPECT_FALSE(echo->handler->restore("something").ok());
}

TEST(CallTest, ADroppedCallAnswers500ByItself) {
  CallReply answer;
  {
    const Call dropped = make_call({}, [&](CallReply reply) { answer = std::move(reply); });
  }
  EXPECT_EQ(answer.status, 500);
  EXPECT_EQ(answer.result, AttemptResult::kError);
}

TEST(CallTest, AnswersOnceAlsoWhenMoved) {
  int answers = 0;
  {
    Call call = make_call({}, [&](CallReply) { ++answers; });
    Call other = std::move(call);
    other.answer({});
  }
  EXPECT_EQ(answers, 1);
}

TEST_F(HandlersTest, KvServesHttp) {
  const Result<MadeHandler> kv = make("kv");
  Handler& handler = *kv->handler;
  EXPECT_EQ(ask(handler, http_request("GET", "/a")).status, 404);
  EXPECT_EQ(ask(handler, http_request("PUT", "/a", "one")).status, 201);
  EXPECT_EQ(ask(handler, http_request("PUT", "/a", "two")).status, 204);
  EXPECT_EQ(ask(handler, http_request("GET", "/a")).body, "two");
  EXPECT_EQ(ask(handler, http_request("DELETE", "/a")).status, 204);
  EXPECT_EQ(ask(handler, http_request("DELETE", "/a")).status, 404);
  const CallReply wrong = ask(handler, http_request("PATCH", "/a"));
  EXPECT_EQ(wrong.status, 405);
  EXPECT_THAT(wrong.headers, HasSubstr("Allow: "));
}

TEST_F(HandlersTest, KvServesNativeClients) {
  const Result<MadeHandler> kv = make("kv");
  const auto native = [&](const std::string& body) {
    CallRequest request;
    request.body = body;
    return ask(*kv->handler, request);
  };
  EXPECT_EQ(native(encode_kv('P', "key", std::string("va\0lue", 6))).status, 201);
  EXPECT_EQ(native(encode_kv('G', "key", "")).body, std::string("va\0lue", 6));
  EXPECT_EQ(native(encode_kv('D', "key", "")).status, 204);
  EXPECT_EQ(native(encode_kv('X', "key", "")).status, 405);
  EXPECT_EQ(native("").status, 400);
  EXPECT_EQ(native(encode_kv('G', "key", "").substr(0, 4)).status, 400);
}

// Each pair costs 64 bytes beside its texts: 1,024 hold ten of 2 + 36 bytes (102 each), not eleven.
TEST_F(HandlersTest, KvRefusesWhatDoesNotFit) {
  const Result<MadeHandler> kv = make("kv[memory=1024]");
  Handler& handler = *kv->handler;
  const std::string value(36, 'v');
  for (char c = 'a'; c < 'a' + 10; ++c) {
    ASSERT_EQ(ask(handler, http_request("PUT", std::string("/") + c, value)).status, 201) << c;
  }
  EXPECT_EQ(ask(handler, http_request("PUT", "/z", value)).status, 507);
  EXPECT_EQ(ask(handler, http_request("GET", "/z")).status, 404);
  EXPECT_EQ(ask(handler, http_request("PUT", "/a", std::string(200, 'v'))).status, 507);
  EXPECT_EQ(ask(handler, http_request("GET", "/a")).body, value)
      << "a refused value changes nothing";
  EXPECT_EQ(ask(handler, http_request("DELETE", "/b")).status, 204);
  EXPECT_EQ(ask(handler, http_request("PUT", "/z", value)).status, 201);
}

TEST_F(HandlersTest, KvEvictsWhatWasUnusedForLongest) {
  const Result<MadeHandler> kv = make("kv[memory=1024, full=evict]");
  Handler& handler = *kv->handler;
  const std::string value(36, 'v');
  for (char c = 'a'; c < 'a' + 10; ++c) {
    ask(handler, http_request("PUT", std::string("/") + c, value));
  }
  ask(handler, http_request("GET", "/a"));
  EXPECT_EQ(ask(handler, http_request("PUT", "/z", value)).status, 201);
  EXPECT_EQ(ask(handler, http_request("GET", "/b")).status, 404);
  EXPECT_EQ(ask(handler, http_request("GET", "/a")).status, 200);
  EXPECT_EQ(ask(handler, http_request("PUT", "/big", std::string(1024, 'v'))).status, 507);
}

TEST_F(HandlersTest, KvSnapshotMovesTheWholeState) {
  const Result<MadeHandler> from = make("kv");
  for (int i = 0; i < 100; ++i) {
    ask(*from->handler, http_request("PUT", "/" + std::to_string(i),
                                     std::string(static_cast<std::size_t>(i), 'x')));
  }
  const std::string state = *from->handler->snapshot();
  const Result<MadeHandler> to = make("kv");
  ask(*to->handler, http_request("PUT", "/stale", "old"));
  const Status restored = to->handler->restore(state);
  ASSERT_TRUE(restored.ok()) << restored.error();
  for (int i = 0; i < 100; ++i) {
    const CallReply reply = ask(*to->handler, http_request("GET", "/" + std::to_string(i)));
    EXPECT_EQ(reply.body, std::string(static_cast<std::size_t>(i), 'x'));
  }
  EXPECT_EQ(ask(*to->handler, http_request("GET", "/stale")).status, 404);
}

TEST_F(HandlersTest, KvSnapshotIsTheSameAfterAMove) {
  const Result<MadeHandler> from = make("kv"), to = make("kv");
  for (const char* key : {"/c", "/a", "/b"}) ask(*from->handler, http_request("PUT", key, key));
  ASSERT_TRUE(to->handler->restore(*from->handler->snapshot()).ok());
  EXPECT_EQ(*to->handler->snapshot(), *from->handler->snapshot());
}

TEST_F(HandlersTest, KvRefusesDamagedSnapshotsAndKeepsWhatItHas) {
  const Result<MadeHandler> from = make("kv"), to = make("kv");
  ask(*from->handler, http_request("PUT", "/a", "one"));
  ask(*to->handler, http_request("PUT", "/kept", "yes"));
  const std::string state = *from->handler->snapshot();
  for (std::size_t i = 0; i < state.size(); ++i) {
    std::string flipped = state;
    flipped[i] = static_cast<char>(flipped[i] ^ 0x10);
    EXPECT_FALSE(to->handler->restore(flipped).ok()) << i;
    EXPECT_FALSE(to->handler->restore(state.substr(0, i)).ok()) << i;
  }
  EXPECT_FALSE(to->handler->restore(state + "x").ok());
  EXPECT_EQ(ask(*to->handler, http_request("GET", "/kept")).body, "yes");
}

TEST_F(HandlersTest, KvRefusesASnapshotThatDoesNotFit) {
  const Result<MadeHandler> from = make("kv"), to = make("kv[memory=1024]");
  ask(*from->handler, http_request("PUT", "/a", std::string(2000, 'x')));
  EXPECT_THAT(to->handler->restore(*from->handler->snapshot()).error(), HasSubstr("memory"));
}

TEST(SyntheticBodyTest, SaysAgainWhatWasSaid) {
  const SyntheticBody work{0x0102030405060708ULL, 0xa0b0c0d0U, 77};
  std::string body;
  encode_synthetic(work, 1000, body);
  EXPECT_EQ(body.size(), 1000U);
  EXPECT_EQ(decode_synthetic(body), work);
  EXPECT_EQ(body[0], 8) << "little endian";
  EXPECT_EQ(decode_synthetic(body.substr(0, 12)),
            (SyntheticBody{work.work_ns, work.response_bytes, 0}));
  EXPECT_EQ(decode_synthetic(body.substr(0, 11)), std::nullopt);
}

TEST(SyntheticBodyTest, NeverMakesBodiesTooShortForTheirWork) {
  std::string body = "before";
  encode_synthetic({}, 3, body);
  EXPECT_EQ(body.size(), 6 + kSyntheticBytes);
}

}  // namespace
}  // namespace phoenix::node

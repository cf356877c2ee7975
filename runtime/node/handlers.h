// Makes the handler that a text names, as given to `phoenix-node --service NAME=TEXT`:
//
//   synthetic[mode=wait]        pretends to work as the request's body asks; see synthetic_body.h
//   echo                        answers with the request's body
//   kv[memory=64000000]         keeps values by key; see kv_handler.h
//   http:127.0.0.1:8080         forwards to a local HTTP/1.1 server
//   plugin[file=/path/app.so]   a shared object; see handler.h
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/net/loop.h"
#include "runtime/node/handler.h"
#include "runtime/node/slowdowns.h"
#include "runtime/node/synthetic_cores.h"
#include "strategies/core/result.h"
#include "strategies/core/settings.h"

namespace phoenix::node {

// The node as its handlers see it; outlives them.
struct HandlerContext {
  net::Loop& loop;
  SyntheticCores& synthetic_cores;
  const Slowdowns& slowdowns;
  int cores = 1;
  double speed = 1;
  int queue = 512;  // room for waiting requests where the text does not say
};

enum class Place : std::uint8_t {
  kLoop,     // handle() never blocks: called on the loop's thread
  kThreads,  // called on worker threads, through a WorkQueue
};

struct MadeHandler {
  std::unique_ptr<Handler> handler;
  std::string text;  // printed back in full
  Place place = Place::kLoop;
  bool is_modelled = false;  // served by the synthetic cores, which bound it
  int at_once = 1;           // kThreads: requests in service at once
  bool is_fifo = false;      // kThreads: one after another, as was asked for
  int queue = 512;           // requests that may wait beyond those in service
  // kLoop: bounds both anew, 0 as made; empty where the handler never has a request wait.
  std::function<void(int workers, int queue)> set_limits = {};
};

// Unknown handlers, settings and values are errors that name what is known. On the loop's thread.
Result<MadeHandler> make_handler(std::string_view text, const HandlerContext& context);

struct HandlerInfo {
  std::string name, summary;
  std::vector<SettingInfo> settings;
};
std::vector<HandlerInfo> list_handlers();

}  // namespace phoenix::node

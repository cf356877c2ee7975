// What operators can ask over HTTP, apart from connections: paths and methods, who may change what,
// and answers. Main loop.
//
//   GET /            the live page
//   GET /healthz     200 "ok", 503 "draining": every thread has answered for it
//   GET /metrics     for Prometheus
//   GET /status      JSON; see status_json.h
//   PUT /strategy    {"service": "api", "balancer": "p2c[choices=3]"}
//   PUT /knobs       {"batch_size": 16, "batch_delay": "200 us", ...}; what is left out stays
//   PUT /nodes/NAME  {"state": "draining"}, {"state": "up"} or {"service": "api", "weight": 2}
//   POST /reload     reads the configuration file again
//   POST /control/NAME  asks the control plane: scale_to, set_knob ...; see commands.h
//
// HEAD works where GET does. Changes need "Authorization: Bearer TOKEN": 401 without the right one,
// 403 where the gateway has no token. Errors are {"error": "one sentence"}; a change that is
// answered 200 is in force, any other has changed nothing.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "runtime/gateway/control.h"

namespace phoenix::admin {

struct AdminRequest {
  std::string method, path;   // without query
  std::string authorization;  // the header
  std::string body;
  std::string peer;  // for logs
};

struct AdminAnswer {
  int status = 200;
  std::string type;
  std::string body;
  std::string headers;  // more lines
};

AdminAnswer error_answer(int status, const std::string& error, std::string headers = "");

class AdminApi {
 public:
  using Respond = std::function<void(AdminAnswer)>;

  // `control` must outlive it. What it has not answered at the end of the API stays unanswered.
  explicit AdminApi(gateway::GatewayControl& control);
  ~AdminApi();

  // Answers once, now or later.
  void handle(const AdminRequest& request, Respond respond);

 private:
  using OnStatus = std::function<void(const gateway::GatewayStatus&)>;

  void read(const AdminRequest& request, Respond respond);
  void change(const AdminRequest& request, Respond respond);
  void carry_out(const AdminRequest& request, Respond respond);
  void ask_status(OnStatus then);

  gateway::GatewayControl& control_;
  std::vector<OnStatus> waiting_;  // for the one answer under way
  std::shared_ptr<AdminApi*> self_;
};

}  // namespace phoenix::admin

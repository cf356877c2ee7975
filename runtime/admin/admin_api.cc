#include "runtime/admin/admin_api.h"

#include <algorithm>
#include <utility>

#include "runtime/admin/changes.h"
#include "runtime/admin/commands.h"
#include "runtime/admin/metrics_text.h"
#include "runtime/admin/page.h"
#include "runtime/admin/status_json.h"
#include "runtime/http/message.h"
#include "runtime/log.h"
#include "runtime/secret.h"
#include "strategies/core/nearest_name.h"

namespace phoenix::admin {
namespace {

using gateway::GatewayStatus;

constexpr std::string_view kNodes = "/nodes/";
constexpr std::string_view kControl = "/control/";

// Methods a path takes; empty: there is no such path.
std::string_view methods_of(std::string_view path) {
  if (path == "/" || path == "/healthz" || path == "/metrics" || path == "/status") {
    return "GET, HEAD";
  }
  if (path == "/strategy" || path == "/knobs") return "PUT";
  if (path.size() > kNodes.size() && path.starts_with(kNodes)) return "PUT";
  if (path == "/reload") return "POST";
  if (path.starts_with(kControl) && is_control_call(path.substr(kControl.size()))) return "POST";
  return "";
}

bool takes(std::string_view methods, std::string_view method) {
  return method == methods || (methods == "GET, HEAD" && (method == "GET" || method == "HEAD"));
}

AdminAnswer page_answer() {
  const Page& page = live_page();
  return {200, "text/html; charset=utf-8", page.html,
          "Content-Security-Policy: " + page.policy + "\r\n"};
}

AdminAnswer health_answer(const GatewayStatus& status) {
  if (status.draining) return {503, "text/plain", "draining\n", ""};
  return {200, "text/plain", "ok\n", ""};
}

AdminAnswer status_answer(const GatewayStatus& status) {
  return {200, "application/json", json_text(status_json(status)) + "\n", ""};
}

AdminAnswer change_answer(const Status& outcome) {
  if (!outcome) return error_answer(400, outcome.error());
  return {200, "application/json", "{\"result\":\"done\"}\n", ""};
}

bool shows_token(const std::string& authorization, const std::string& token) {
  constexpr std::string_view kScheme = "Bearer ";
  const std::string_view text = authorization;
  return text.size() > kScheme.size() &&
         http::equals_ignoring_case(text.substr(0, kScheme.size()), kScheme) &&
         same_secret(text.substr(kScheme.size()), token);
}

// The error is an answer for who has not shown that he may.
Result<Nothing> authorize(const AdminRequest& request, const std::string& token,
                          AdminAnswer& refusal) {
  if (token.empty()) {
    refusal = error_answer(403, "the gateway has no token_file, so nothing can be changed here");
    return Error{"no token"};
  }
  if (shows_token(request.authorization, token)) return success();
  const bool is_missing = request.authorization.empty();
  refusal = error_answer(401,
                         is_missing ? "a change needs the header Authorization: Bearer TOKEN"
                                    : "the token is not the gateway's",
                         "WWW-Authenticate: Bearer realm=\"phoenix-gateway\"\r\n");
  return Error{is_missing ? "no credentials" : "wrong token"};
}

}  // namespace

AdminAnswer error_answer(int status, const std::string& error, std::string headers) {
  return {status, "application/json", json_text({{"error", error}}) + "\n", std::move(headers)};
}

AdminApi::AdminApi(gateway::GatewayControl& control)
    : control_(control), self_(std::make_shared<AdminApi*>(this)) {}
AdminApi::~AdminApi() = default;

void AdminApi::handle(const AdminRequest& request, Respond respond) {
  const std::string_view methods = methods_of(request.path);
  if (methods.empty()) {
    return respond(error_answer(404, "found path " + request.path +
                                         "; allowed /, /healthz, /metrics, /status, /strategy, "
                                         "/knobs, /nodes/NAME, /reload, "
                                         "/control/scale_to and other calls"));
  }
  if (!takes(methods, request.method)) {
    return respond(error_answer(405,
                                "found method " + request.method + "; allowed for " + request.path +
                                    " " + std::string(methods),
                                "Allow: " + std::string(methods) + "\r\n"));
  }
  if (methods.starts_with("GET")) return read(request, std::move(respond));
  change(request, std::move(respond));
}

void AdminApi::read(const AdminRequest& request, Respond respond) {
  if (request.path == "/") return respond(page_answer());
  ask_status([path = request.path, respond = std::move(respond)](const GatewayStatus& status) {
    if (path == "/healthz") {
      respond(health_answer(status));
    } else if (path == "/metrics") {
      respond({200, kMetricsType, metrics_text(status), ""});
    } else {
      respond(status_answer(status));
    }
  });
}

// One question serves everybody who asks before its answer, so that many readers cost no more than
// one.
void AdminApi::ask_status(OnStatus then) {
  waiting_.push_back(std::move(then));
  if (waiting_.size() > 1) return;
  control_.status([self = std::weak_ptr<AdminApi*>(self_)](const GatewayStatus& status) {
    const auto api = self.lock();
    if (!api) return;
    for (const OnStatus& waiter : std::exchange((*api)->waiting_, {})) waiter(status);
  });
}

void AdminApi::change(const AdminRequest& request, Respond respond) {
  AdminAnswer refusal;
  if (const auto may = authorize(request, control_.token(), refusal); !may) {
    log_warning("change refused",
                {{"path", request.path}, {"peer", request.peer}, {"why", may.error()}});
    return respond(std::move(refusal));
  }
  carry_out(request, [request, respond = std::move(respond)](AdminAnswer answer) {
    log_info("change asked for", {{"path", request.path},
                                  {"peer", request.peer},
                                  {"body", request.body},
                                  {"status", std::to_string(answer.status)}});
    respond(std::move(answer));
  });
}

void AdminApi::carry_out(const AdminRequest& request, Respond respond) {
  if (request.path == "/reload") return respond(change_answer(control_.reload()));
  if (request.path == "/strategy") {
    return respond(change_answer(set_strategy(request.body, control_)));
  }
  // Needs to know what there is now, and no answer from before an earlier change.
  control_.status([request, respond = std::move(respond),
                   self = std::weak_ptr<AdminApi*>(self_)](const GatewayStatus& status) {
    const auto api = self.lock();
    if (!api) return;
    gateway::GatewayControl& control = (*api)->control_;
    if (request.path == "/knobs") {
      return respond(change_answer(set_knobs(request.body, status.knobs, control)));
    }
    if (request.path.starts_with(kControl)) {
      const auto commands =
          control_commands(std::string_view(request.path).substr(kControl.size()), request.body);
      if (!commands) return respond(error_answer(400, commands.error()));
      return respond(change_answer(admin::carry_out(*commands, status.control.get(), control)));
    }
    const Result<std::string> name = decoded(request.path.substr(kNodes.size()));
    if (!name) return respond(error_answer(400, name.error()));
    std::vector<std::string> known;
    for (const gateway::NodeStatus& node : status.nodes) known.push_back(node.name);
    if (std::ranges::find(known, *name) == known.end()) {
      const std::string allowed = known.empty() ? "none yet" : join_names(known);
      return respond(error_answer(
          404, "found node \"" + *name + "\"; allowed " + allowed + did_you_mean(*name, known)));
    }
    respond(change_answer(change_node(*name, request.body, control)));
  });
}

}  // namespace phoenix::admin

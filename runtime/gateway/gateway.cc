#include "runtime/gateway/gateway.h"

#include <algorithm>
#include <thread>

#include "runtime/log.h"
#include "strategies/core/nearest_name.h"
#include "strategies/core/units.h"
#include "strategies/registry.h"

namespace phoenix::gateway {
namespace {

constexpr std::size_t kDecisionsKept = 256;
constexpr Duration kLastWords = std::chrono::milliseconds(200);
constexpr Duration kDrainPoll = std::chrono::milliseconds(20);
constexpr int kIdlePolls = 3;  // so that last answers have left

bool is_set(const net::TlsSettings& tls) { return !tls.certificate.empty() || !tls.ca.empty(); }

std::string_view action_text(RouterNotice::Kind kind) {
  switch (kind) {
    case RouterNotice::Kind::kEjected:
      return "eject";
    case RouterNotice::Kind::kReadmitted:
      return "readmit";
    case RouterNotice::Kind::kPanic:
      return "panic";
    case RouterNotice::Kind::kPanicOver:
      return "panic_over";
    case RouterNotice::Kind::kStale:
      return "stale";
    case RouterNotice::Kind::kFresh:
      return "fresh";
  }
  return "";
}

}  // namespace

int thread_count(const GatewayConfig& config) {
  if (config.threads > 0) return config.threads;
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

Result<std::unique_ptr<Gateway>> Gateway::start(net::Loop& loop, GatewayConfig config,
                                                GatewayOptions options) {
  std::unique_ptr<Gateway> gateway(new Gateway(loop, std::move(config), options));
  if (Status opened = gateway->open_threads(); !opened) return Error{opened.error()};
  return gateway;
}

Gateway::Gateway(net::Loop& loop, GatewayConfig config, GatewayOptions options)
    : loop_(loop),
      options_(options),
      config_(std::make_shared<const GatewayConfig>(std::move(config))),
      catalog_(Catalog::make(*config_, nullptr)),
      directory_(config_->forget_node, config_->max_nodes, ZoneList(*config_),
                 [this](const NodeView& node) { publish(node); }),
      directory_timer_(loop,
                       [this] {
                         directory_.on_wake(loop_.now());
                         arm_directory();
                       }),
      drain_timer_(loop, [this] { poll_drained(); }),
      started_(loop.now()) {}

Gateway::~Gateway() {
  for (const auto& thread : threads_) thread->stop();
}

Status Gateway::open_threads() {
  Result<TlsContexts> tls = make_tls(*config_);
  if (!tls) return Error{tls.error()};
  tls_ = *tls;
  for (int i = 0; i < thread_count(*config_); ++i) {
    threads_.push_back(
        std::make_unique<GatewayThread>(*this, i, loop_.epoch(), config_, catalog_, tls_));
  }
  if (Status opened = open_listeners(*config_, tls_); !opened) return opened;
  for (const auto& thread : threads_) thread->keep_new_listeners();
  directory_.apply(*config_);
  for (const auto& thread : threads_) thread->start();
  return success();
}

Result<TlsContexts> Gateway::make_tls(const GatewayConfig& config) const {
  TlsContexts contexts;
  if (!config.tls.certificate.empty()) {
    auto server = net::make_server_tls(config.tls);
    if (!server) return Error{server.error()};
    contexts.server = std::move(*server);
  }
  const auto wants_tls = [](const ServiceConfig& service) { return service.upstream_tls; };
  if (is_set(config.upstream_tls) || std::ranges::any_of(config.services, wants_tls)) {
    auto client = net::make_client_tls(config.upstream_tls);
    if (!client) return Error{client.error()};
    contexts.upstream = std::move(*client);
    if (is_set(config.upstream_tls)) contexts.frames = contexts.upstream;
  }
  return contexts;
}

// The first thread finds out the port, the others share it.
Result<net::Address> Gateway::listen_on_all(const GatewayConfig& config, std::string address,
                                            const TlsContexts& tls, Listen listen) {
  Result<net::Address> opened = Error{"found no thread"};
  for (const auto& thread : threads_) {
    thread->call([&] { opened = ((*thread).*listen)(config, address, tls); });
    if (!opened) return opened;
    address = opened->text();
  }
  return opened;
}

// Those that are new or have moved; nothing has changed where one fails.
Status Gateway::open_listeners(const GatewayConfig& config, const TlsContexts& tls) {
  std::optional<net::Address> http = http_;
  std::optional<net::Address> frames = frames_;
  const auto reopen = [&](const std::string& wanted, const std::string& before,
                          std::optional<net::Address>& local, Listen listen) -> Status {
    if (local && wanted == before) return success();
    local.reset();
    if (wanted.empty()) return success();
    Result<net::Address> opened = listen_on_all(config, wanted, tls, listen);
    if (!opened) return Error{opened.error()};
    local = *opened;
    return success();
  };
  if (Status opened = reopen(config.http, config_->http, http, &GatewayThread::listen_http);
      !opened) {
    return opened;
  }
  if (Status opened = reopen(config.frames, config_->frames, frames, &GatewayThread::listen_frames);
      !opened) {
    return opened;
  }
  http_ = http;
  frames_ = frames;
  return success();
}

void Gateway::post(std::function<void()> work) {
  loop_.post([alive = std::weak_ptr<bool>(alive_), work = std::move(work)] {
    if (!alive.expired()) work();
  });
}

// Membership.

void Gateway::publish(const NodeView& node) {
  const std::string_view state = node.has_left                        ? "left"
                                 : node.state == NodeState::kUp       ? "up"
                                 : node.state == NodeState::kDraining ? "draining"
                                                                      : "down";
  log_info("node", {{"node", node.name}, {"address", node.address}, {"state", std::string(state)}});
  for (const auto& thread : threads_) {
    thread->post([worker = &thread->worker(), node] { worker->on_node(node); });
  }
  if (control_ != nullptr) control_->on_node(node);
}

void Gateway::attach(ControlPart* control) {
  control_ = control;
  if (control_ == nullptr) return;
  for (const NodeView& node : directory_.nodes()) control_->on_node(node);
}

void Gateway::forget_node(const std::string& node) {
  directory_.forget(node);
  arm_directory();
}

void Gateway::arm_directory() { directory_timer_.arm(directory_.next_wake()); }

void Gateway::on_announce(GatewayThread& from, std::uint64_t link,
                          const Announcement& announcement) {
  const Result<NodeId> id = directory_.announce(link, announcement);
  arm_directory();
  if (id) return;
  from.post([&from, link, why = id.error()] { from.frames().refuse(link, why); });
}

void Gateway::on_report(std::uint64_t link, const wire::Report& report) {
  const NodeView* const node = directory_.node_at(link);
  if (node == nullptr) return;
  for (const auto& thread : threads_) {
    thread->post([t = thread.get(), view = *node, report] { t->hear(view, report); });
  }
}

void Gateway::on_goodbye(std::uint64_t link) { directory_.goodbye(link); }

void Gateway::on_node_gone(std::uint64_t link) {
  directory_.closed(link, loop_.now());
  arm_directory();
}

void Gateway::on_notices(const std::vector<RouterNotice>& notices) {
  for (const RouterNotice& notice : notices) {
    std::string subject = catalog_->services()[index(notice.service)].name;
    if (const NodeView* const node = directory_.find(notice.node)) subject = node->name;
    decide("routing", std::string(action_text(notice.kind)), std::move(subject), notice.why,
           notice.value, notice.at);
  }
}

void Gateway::decide(std::string family, std::string action, std::string subject,
                     std::string reason, double value, Time at) {
  Decision decision;
  decision.at = at;
  decision.family = std::move(family);
  decision.action = std::move(action);
  decision.subject = std::move(subject);
  decision.reason = std::move(reason);
  decision.outcome = "done";
  decision.value = value;
  note(std::move(decision));
}

void Gateway::note(Decision decision) {
  decision.number = ++decisions_made_;
  log_info("decision", {{"family", decision.family},
                        {"action", decision.action},
                        {"subject", decision.subject},
                        {"reason", decision.reason},
                        {"outcome", decision.outcome}});
  decisions_.push_back(std::move(decision));
  if (decisions_.size() > kDecisionsKept) decisions_.pop_front();
}

// Configuration.

void Gateway::spread(std::shared_ptr<const GatewayConfig> config, TlsContexts tls) {
  config_ = std::move(config);
  tls_ = std::move(tls);
  catalog_ = Catalog::make(*config_, catalog_.get());
  for (const auto& thread : threads_) {
    thread->post([t = thread.get(), now = config_, catalog = catalog_, contexts = tls_] {
      t->apply(now, catalog, contexts);
    });
  }
}

Status Gateway::adopt(GatewayConfig config) {
  Result<TlsContexts> tls = make_tls(config);
  if (!tls) return Error{tls.error()};
  // What only a new process can change.
  config.threads = config_->threads;
  config.lab = config_->lab;
  config.zone = config_->zone;
  config.gateway_zones = config_->gateway_zones;
  config.control = config_->control;
  config.targets = config_->targets;
  config.strategies = config_->strategies;
  config.provision = config_->provision;
  Status opened = open_listeners(config, *tls);
  for (const auto& thread : threads_) {
    thread->call([&] {
      if (opened) {
        thread->keep_new_listeners();
      } else {
        thread->drop_new_listeners();
      }
    });
  }
  if (!opened) return opened;
  spread(std::make_shared<const GatewayConfig>(std::move(config)), std::move(*tls));
  directory_.apply(*config_);
  arm_directory();
  return success();
}

Status Gateway::reload() {
  if (is_draining()) {
    log_warning("reload refused", {{"why", "draining"}});
    return Error{"found a gateway that drains; allowed before it leaves"};
  }
  ParsedConfig parsed = parse_gateway_config(config_->path);
  std::string why;
  for (const Problem& problem : parsed.problems) {
    log_error("configuration refused", {{"problem", problem.text()}});
    if (why.empty()) why = problem.text();
  }
  if (why.empty()) {
    const Status adopted = adopt(std::move(*parsed.config));
    if (!adopted) why = adopted.error();
  }
  if (why.empty()) {
    ++reloads_;
    log_info("configuration reloaded", {{"file", config_->path}});
    if (options_.on_reloaded) options_.on_reloaded();
    return success();
  }
  ++reloads_failed_;
  log_error("reload failed", {{"why", why}});
  return Error{why};
}

// Wishes of operators.

Status Gateway::set_balancer(const std::string& service, const std::string& text) {
  Result<MadeBalancer> made = make_balancer(text);
  if (!made) return Error{made.error()};
  auto config = std::make_shared<GatewayConfig>(*config_);
  std::vector<std::string> known;
  ServiceConfig* target = nullptr;
  for (ServiceConfig& one : config->services) {
    known.push_back(one.name);
    if (one.name == service) target = &one;
  }
  if (target == nullptr) {
    return Error{"found service \"" + service + "\"; allowed " + join_names(known) +
                 did_you_mean(service, known)};
  }
  target->balancer = made->text;
  spread(config, tls_);
  decide("operator", "set_balancer", service, made->text, 0, loop_.now());
  return success();
}

Status Gateway::set_knobs(const Knobs& knobs) {
  if (Status checked = check_knobs(knobs); !checked) return checked;
  apply_knobs(knobs);
  decide("operator", "set_knobs", config_->name, "", 0, loop_.now());
  return success();
}

Status Gateway::command(const Command& command) {
  if (control_ != nullptr) return control_->command(command);
  return Error{"there is no control plane here: set [strategies] or [provision] and start again"};
}

Status Gateway::set_draining(const std::string& node, bool is_draining) {
  return is_draining ? directory_.drain(node) : directory_.undrain(node);
}

Status Gateway::turn_knob(KnobId id, double value) {
  Knobs knobs = config_->knobs;
  Status turned = set_knob(knobs, id, value);
  if (turned) apply_knobs(knobs);
  return turned;
}

void Gateway::apply_knobs(const Knobs& knobs) {
  auto config = std::make_shared<GatewayConfig>(*config_);
  config->knobs = knobs;
  spread(config, tls_);
}

Status Gateway::set_weight(const std::string& node, const std::string& service, double weight) {
  Status set = directory_.set_weight(node, service, weight);
  if (set) decide("operator", "set_weight", node, service, weight, loop_.now());
  return set;
}

Status Gateway::drain_node(const std::string& node) {
  Status drained = set_draining(node, true);
  if (drained) decide("operator", "drain", node, "", 0, loop_.now());
  return drained;
}

Status Gateway::undrain_node(const std::string& node) {
  Status undrained = set_draining(node, false);
  if (undrained) decide("operator", "undrain", node, "", 0, loop_.now());
  return undrained;
}

// Leaving.

void Gateway::drain(std::function<void(std::size_t)> done) {
  if (on_drained_) return;
  on_drained_ = std::move(done);
  drain_until_ = loop_.now() + config_->drain_grace;
  log_info("draining", {{"grace", print_duration(config_->drain_grace)}});
  for (const auto& thread : threads_) thread->post([t = thread.get()] { t->begin_drain(); });
  drain_timer_.arm(loop_.now());
}

void Gateway::poll_drained() {
  std::size_t requests = 0;
  std::size_t clients = 0;
  for (const auto& thread : threads_) {
    thread->call([&] {
      const GatewayThread::Busy busy = thread->go_on_draining();
      requests += busy.requests;
      clients += busy.clients;
    });
  }
  idle_polls_ = requests + clients == 0 ? idle_polls_ + 1 : 0;
  if (idle_polls_ < kIdlePolls && loop_.now() < drain_until_) {
    return drain_timer_.arm(loop_.now() + kDrainPoll);
  }
  if (requests > 0 && given_up_ == 0) {
    // Out of time: those that wait are told, and get a moment to hear it.
    for (const auto& thread : threads_) {
      thread->call([&] { given_up_ += thread->worker().give_up_open(); });
    }
    if (given_up_ > 0) return drain_timer_.arm(loop_.now() + kLastWords);
  }
  log_info("drained", {{"left", std::to_string(requests)}});
  on_drained_(requests);
}

}  // namespace phoenix::gateway

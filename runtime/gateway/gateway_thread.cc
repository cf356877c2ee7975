#include "runtime/gateway/gateway_thread.h"

#include <algorithm>
#include <cassert>
#include <future>
#include <utility>

#include "runtime/gateway/frame_upstream.h"
#include "runtime/gateway/gateway.h"

namespace phoenix::gateway {
namespace {

// Several answers as long as a frame can carry.
constexpr std::size_t kWriteQueue = 64 * 1024 * 1024;

net::ListenSettings frame_listen_settings(const GatewayConfig& config, const TlsContexts& tls) {
  net::ListenSettings settings;
  settings.reuse_port = true;
  settings.tls = tls.server;
  settings.channel.send_buffer = config.knobs.socket_buffer;
  settings.channel.receive_buffer = config.knobs.socket_buffer;
  settings.channel.write_queue = kWriteQueue;
  settings.channel.read_buffer =
      std::max(settings.channel.read_buffer, 2 * config.http_limits.head);
  return settings;
}

net::ListenSettings http_listen_settings(const GatewayConfig& config, const TlsContexts& tls) {
  net::ListenSettings settings = frame_listen_settings(config, tls);
  settings.connections = config.http_limits.connections;
  return settings;
}

// Null where there is none.
std::pair<const ServiceConfig*, const ServerConfig*> service_with(const GatewayConfig& config,
                                                                  const std::string& address) {
  for (const ServiceConfig& service : config.services) {
    for (const ServerConfig& server : service.servers) {
      if (server.address.text() == address) return {&service, &server};
    }
  }
  return {};
}

}  // namespace

GatewayThread::GatewayThread(Gateway& owner, int number, net::Epoch epoch,
                             std::shared_ptr<const GatewayConfig> config,
                             std::shared_ptr<const Catalog> catalog, const TlsContexts& tls)
    : owner_(owner), number_(number), loop_(epoch), config_(std::move(config)), tls_(tls) {
  WorkerOptions options;
  options.thread = number;
  options.seed = owner.options_.seed;
  options.tap = owner.options_.tap;
  options.make_upstream = [this](const NodeView& node, UpstreamUser& user) {
    return make_upstream(node, user);
  };
  options.on_notices = [this](std::vector<RouterNotice> notices) {
    owner_.post([&owner = owner_, notices = std::move(notices)] { owner.on_notices(notices); });
  };
  if (config_->lab) shim_ = std::make_unique<ShimWorld>(loop_, number);
  worker_ = std::make_unique<Worker>(loop_, config_, std::move(catalog), std::move(options));
  http_ = std::make_unique<HttpIngress>(*worker_);
  frames_ =
      std::make_unique<FrameIngress>(*worker_, static_cast<PeerEvents&>(*this), links_, number);
}

GatewayThread::~GatewayThread() { stop(); }

void GatewayThread::start() {
  thread_ = std::thread([this] { loop_.run(); });
}

void GatewayThread::stop() {
  if (!thread_.joinable()) return;
  loop_.stop();
  thread_.join();
}

void GatewayThread::post(std::function<void()> work) {
  if (!thread_.joinable()) return work();
  loop_.post(std::move(work));
}

void GatewayThread::call(const std::function<void()>& work) {
  if (!thread_.joinable()) return work();
  const auto done = std::make_shared<std::promise<void>>();  // whoever is last lets it go
  loop_.post([&work, done] {
    work();
    done->set_value();
  });
  done->get_future().wait();
}

Result<net::Address> GatewayThread::listen_http(const GatewayConfig& config,
                                                const std::string& address,
                                                const TlsContexts& tls) {
  auto listener = net::Listener::open(
      loop_, *net::Address::parse(address), http_listen_settings(config, tls),
      [this](std::unique_ptr<net::Channel> channel) { http_->adopt(std::move(channel)); });
  if (!listener) return Error{listener.error()};
  new_http_listener_ = std::move(*listener);
  return new_http_listener_->local();
}

Result<net::Address> GatewayThread::listen_frames(const GatewayConfig& config,
                                                  const std::string& address,
                                                  const TlsContexts& tls) {
  auto listener = net::Listener::open(
      loop_, *net::Address::parse(address), frame_listen_settings(config, tls),
      [this](std::unique_ptr<net::Channel> channel) { frames_->adopt(std::move(channel)); });
  if (!listener) return Error{listener.error()};
  new_frame_listener_ = std::move(*listener);
  return new_frame_listener_->local();
}

void GatewayThread::keep_new_listeners() {
  if (new_http_listener_) http_listener_ = std::move(new_http_listener_);
  if (new_frame_listener_) frame_listener_ = std::move(new_frame_listener_);
}

void GatewayThread::drop_new_listeners() {
  new_http_listener_.reset();
  new_frame_listener_.reset();
}

void GatewayThread::apply(std::shared_ptr<const GatewayConfig> config,
                          std::shared_ptr<const Catalog> catalog, const TlsContexts& tls) {
  if (config->http.empty()) http_listener_.reset();
  if (config->frames.empty()) frame_listener_.reset();
  config_ = std::move(config);
  tls_ = tls;
  if (http_listener_) http_listener_->apply(http_listen_settings(*config_, tls_));
  if (frame_listener_) frame_listener_->apply(frame_listen_settings(*config_, tls_));
  worker_->apply(config_, std::move(catalog));
  http_->apply(config_->knobs);
  frames_->apply(config_->knobs);
}

void GatewayThread::begin_drain() {
  worker_->set_draining();
  http_listener_.reset();
  frame_listener_.reset();
}

GatewayThread::Busy GatewayThread::go_on_draining() {
  http_->drain();
  frames_->drain();
  return {worker_->open_exchanges(), http_->connections() + frames_->clients()};
}

ThreadStatus GatewayThread::status() const {
  ThreadStatus status;
  status.worker = worker_->snapshot();
  if (http_listener_) status.http_listener = http_listener_->counters();
  if (frame_listener_) status.frame_listener = frame_listener_->counters();
  status.links = links_;
  status.frames_refused = frames_->refused();
  return status;
}

void GatewayThread::hear(const NodeView& node, const wire::Report& report) {
  if (shim_ == nullptr) return worker_->on_report(node.id, report);
  shim_->carry_report(node.name, report, [this, id = node.id](const wire::Report& arrived) {
    worker_->on_report(id, arrived);
  });
}

std::unique_ptr<Upstream> GatewayThread::make_upstream(const NodeView& node, UpstreamUser& user) {
  if (node.protocol == Protocol::kHttp) return make_http(node, user);
  if (shim_ == nullptr) return make_frames(node, user);
  return shim_->wrap(node, user, [&](UpstreamUser& inner) { return make_frames(node, inner); });
}

// Of several services that share a server the first says how it is to be reached.
HttpTerms GatewayThread::terms_of(const std::string& server) const {
  const ServiceConfig* const service = service_with(*config_, server).first;
  if (service == nullptr) return {};  // dropped by a reload; it leaves soon
  return {service->upstream_tls ? tls_.upstream : nullptr, service->health_path,
          service->health_interval};
}

std::unique_ptr<Upstream> GatewayThread::make_http(const NodeView& node, UpstreamUser& user) {
  const auto [service, server] = service_with(*config_, node.name);
  assert(service != nullptr);  // the directory has its servers from this configuration
  return make_http_upstream(
      loop_, node.id, *server, *service, [this, name = node.name] { return terms_of(name); },
      config_->knobs, user);
}

std::unique_ptr<Upstream> GatewayThread::make_frames(const NodeView& node, UpstreamUser& user) {
  FrameUpstreamSettings settings;
  settings.node = node.id;
  settings.node_name = node.name;
  settings.address = *net::Address::parse(node.address);
  settings.gateway_name = config_->name;
  settings.credentials = [this] { return FrameCredentials{config_->token, tls_.frames}; };
  settings.knobs = config_->knobs;
  settings.jitter_seed = owner_.options_.seed ^ static_cast<std::uint64_t>(number_);
  return make_frame_upstream(loop_, std::move(settings), user, links_);
}

// To the main loop.

void GatewayThread::on_announce(std::uint64_t link, Announcement announcement) {
  owner_.post([this, link, announcement = std::move(announcement)] {
    owner_.on_announce(*this, link, announcement);
  });
}

void GatewayThread::on_report(std::uint64_t link, const wire::Report& report) {
  owner_.post([&owner = owner_, link, report] { owner.on_report(link, report); });
}

void GatewayThread::on_goodbye(std::uint64_t link) {
  owner_.post([&owner = owner_, link] { owner.on_goodbye(link); });
}

void GatewayThread::on_node_gone(std::uint64_t link) {
  owner_.post([&owner = owner_, link] { owner.on_node_gone(link); });
}

void GatewayThread::on_control(std::uint64_t link, std::uint64_t id, std::string command) {
  owner_.post([this, link, id, command = std::move(command)] {
    owner_.on_control(*this, link, id, command);
  });
}

}  // namespace phoenix::gateway

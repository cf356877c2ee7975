#include "runtime/gateway/gateway_thread.h"

#include <future>

#include "runtime/gateway/frame_upstream.h"
#include "runtime/gateway/gateway.h"
#include "runtime/log.h"

namespace phoenix::gateway {

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
  worker_ = std::make_unique<Worker>(loop_, config_, std::move(catalog), std::move(options));
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
  std::promise<void> done;
  loop_.post([&] {
    work();
    done.set_value();
  });
  done.get_future().wait();
}

net::ListenSettings GatewayThread::listen_settings(std::size_t connections,
                                                   const TlsContexts& tls) const {
  net::ListenSettings settings;
  settings.reuse_port = true;
  settings.connections = connections;
  settings.tls = tls.server;
  settings.channel.send_buffer = config_->knobs.socket_buffer;
  settings.channel.receive_buffer = config_->knobs.socket_buffer;
  return settings;
}

Result<net::Address> GatewayThread::listen_frames(const std::string& address,
                                                  const TlsContexts& tls) {
  auto listener = net::Listener::open(
      loop_, *net::Address::parse(address), listen_settings(net::ListenSettings{}.connections, tls),
      [this](std::unique_ptr<net::Channel> channel) { frames_->adopt(std::move(channel)); });
  if (!listener) return Error{listener.error()};
  new_frame_listener_ = std::move(*listener);
  return new_frame_listener_->local();
}

void GatewayThread::keep_new_listeners() {
  if (new_frame_listener_) frame_listener_ = std::move(new_frame_listener_);
}

void GatewayThread::drop_new_listeners() { new_frame_listener_.reset(); }

void GatewayThread::apply(std::shared_ptr<const GatewayConfig> config,
                          std::shared_ptr<const Catalog> catalog, const TlsContexts& tls) {
  if (config->frames.empty()) frame_listener_.reset();
  config_ = std::move(config);
  tls_ = tls;
  if (frame_listener_) frame_listener_->set_tls(tls_.server);
  worker_->apply(config_, std::move(catalog));
  frames_->apply(config_->knobs);
}

void GatewayThread::begin_drain() {
  worker_->set_draining();
  frame_listener_.reset();
}

GatewayThread::Busy GatewayThread::go_on_draining() {
  frames_->drain();
  return {worker_->open_exchanges(), frames_->clients()};
}

ThreadStatus GatewayThread::status() const {
  ThreadStatus status;
  status.worker = worker_->snapshot();
  if (frame_listener_) status.frame_listener = frame_listener_->counters();
  status.links = links_;
  status.frames_refused = frames_->refused();
  return status;
}

std::unique_ptr<Upstream> GatewayThread::make_upstream(const NodeView& node, UpstreamUser& user) {
  FrameUpstreamSettings settings;
  settings.node = node.id;
  settings.node_name = node.name;
  settings.address = *net::Address::parse(node.address);
  settings.gateway_name = config_->name;
  settings.token = config_->token;
  settings.tls = tls_.upstream;
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
  owner_.post([this, link, id, command = std::move(command)]() mutable {
    owner_.on_control(*this, link, id, std::move(command));
  });
}

}  // namespace phoenix::gateway

// One of a gateway's threads: the loop, its worker, and what brings requests to it. Built and
// destroyed by the main thread while its own does not run; everything else happens on its loop.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include "runtime/gateway/frame_ingress.h"
#include "runtime/gateway/http_ingress.h"
#include "runtime/gateway/http_upstream.h"
#include "runtime/gateway/shim.h"
#include "runtime/gateway/worker.h"
#include "runtime/net/connect.h"
#include "runtime/net/tls.h"

namespace phoenix::gateway {

class Gateway;

struct TlsContexts {
  std::shared_ptr<net::TlsContext> server;    // null: plain
  std::shared_ptr<net::TlsContext> frames;    // towards nodes; null: plain
  std::shared_ptr<net::TlsContext> upstream;  // towards HTTP servers that want it; may be null
};

// One thread's share of GatewayStatus.
struct ThreadStatus {
  WorkerSnapshot worker;
  net::ListenCounters http_listener, frame_listener;
  wire::LinkCounters links;
  std::map<std::string, std::uint64_t> frames_refused;
};

class GatewayThread final : private PeerEvents {
 public:
  GatewayThread(Gateway& owner, int number, net::Epoch epoch,
                std::shared_ptr<const GatewayConfig> config, std::shared_ptr<const Catalog> catalog,
                const TlsContexts& tls);
  ~GatewayThread() override;

  void start();
  void stop();  // and waits for it
  // Runs `work` on the thread; call() waits until it is done. Before start() both run it at once.
  void post(std::function<void()> work);
  void call(const std::function<void()>& work);

  // On the thread (or before it runs).
  Result<net::Address> listen_http(const GatewayConfig& config, const std::string& address,
                                   const TlsContexts& tls);
  Result<net::Address> listen_frames(const GatewayConfig& config, const std::string& address,
                                     const TlsContexts& tls);
  void keep_new_listeners();  // replaces the old ones by those just opened
  void drop_new_listeners();
  void apply(std::shared_ptr<const GatewayConfig> config, std::shared_ptr<const Catalog> catalog,
             const TlsContexts& tls);
  void begin_drain();
  struct Busy {
    std::size_t requests = 0;
    std::size_t clients = 0;
  };
  Busy go_on_draining();
  ThreadStatus status() const;
  Worker& worker() { return *worker_; }
  FrameIngress& frames() { return *frames_; }
  ShimWorld* shim() { return shim_.get(); }  // null outside a lab
  void hear(const NodeView& node, const wire::Report& report);

 private:
  void on_announce(std::uint64_t link, Announcement announcement) override;
  void on_report(std::uint64_t link, const wire::Report& report) override;
  void on_goodbye(std::uint64_t link) override;
  void on_node_gone(std::uint64_t link) override;
  void on_control(std::uint64_t link, std::uint64_t id, std::string command) override;

  std::unique_ptr<Upstream> make_upstream(const NodeView& node, UpstreamUser& user);
  std::unique_ptr<Upstream> make_frames(const NodeView& node, UpstreamUser& user);
  HttpTerms terms_of(const std::string& server) const;
  std::unique_ptr<Upstream> make_http(const NodeView& node, UpstreamUser& user);

  Gateway& owner_;
  int number_;
  net::Loop loop_;
  std::shared_ptr<const GatewayConfig> config_;
  TlsContexts tls_;
  wire::LinkCounters links_;
  std::unique_ptr<ShimWorld> shim_;
  std::unique_ptr<Worker> worker_;
  std::unique_ptr<FrameIngress> frames_;
  std::unique_ptr<HttpIngress> http_;
  std::unique_ptr<net::Listener> http_listener_, new_http_listener_;
  std::unique_ptr<net::Listener> frame_listener_, new_frame_listener_;
  std::thread thread_;
};

}  // namespace phoenix::gateway

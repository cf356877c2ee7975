// A node: hosts services, serves the requests of gateways and native clients over frames, and
// announces itself to its gateways. What `phoenix-node` runs; tests run it in process.
//
// On the loop's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "runtime/net/connect.h"
#include "runtime/node/readings.h"
#include "runtime/node/services.h"
#include "runtime/wire/frame_link.h"

namespace phoenix::node {

struct NodeSettings {
  std::string name;  // unique among the nodes of a gateway; empty: the advertised address
  net::Address listen{"127.0.0.1", 0};
  std::string advertise;  // how gateways reach this node; empty: where it listens
  std::string zone;       // what it shares short ways with; empty: nobody said
  std::vector<net::Address> gateways;
  std::vector<ServiceSpec> services;
  ServicesSettings serving;
  // Utilisations are shares of these. Where every service is `synthetic` in waiting mode, CPU and
  // memory are those of the modelled cores and jobs; else they are read from the kernel.
  ReadingSettings readings;
  Duration report_interval = std::chrono::seconds(1);  // 0: no periodic reports
  bool piggyback = true;                               // a report on every response
  std::string token;                                   // shared secret; empty: none is asked for
  net::TlsSettings tls;  // listening with a certificate; dialling with a certificate or CA
  std::size_t connections = 1'000;
  wire::LinkSettings link;
  Duration hello_timeout = std::chrono::seconds(10);
  Duration grace = std::chrono::seconds(30);  // for what is under way when the node drains
  bool lab = false;                           // takes kControl commands; see node_orders.h
};

// Peers that were turned away, by reason.
struct PeerCounters {
  std::uint64_t wrong_token = 0;
  std::uint64_t wrong_role = 0;  // or the lab's, where it is not allowed
  std::uint64_t no_hello = 0;    // within hello_timeout
};

// Answers in whose place a short failure went.
struct AnswerCounters {
  std::uint64_t late = 0;  // they would have come after the request's deadline
  std::uint64_t full = 0;  // too many waited on the connection already
};

struct NodeStatus {
  ServicesLoad load;
  ServicesTotals served;
  wire::NodeTotals totals;
  double available_core_ns = 0;  // cores times the time since the start
  double busy_thread_ns = 0;     // of worker threads in handlers
  std::uint64_t incarnation = 0;
  std::size_t under_way = 0;
  std::size_t gateways_connected = 0;
  bool is_draining = false;
  Services::Sleep sleep;
  net::ListenCounters listener;
  wire::LinkCounters links;
  PeerCounters peers;
  AnswerCounters answers;
};

class Node {
 public:
  // The error says what is wrong with the settings: a handler, a plug-in, a TLS file.
  static Result<std::unique_ptr<Node>> make(net::Loop& loop, const NodeSettings& settings);
  ~Node();

  // Listens and begins to announce itself. Once, before all that follows. The error says why the
  // node cannot listen.
  Status start();

  net::Address local() const;
  NodeStatus status() const;

  // Says goodbye to the gateways, refuses new requests, lets those under way finish and their
  // answers leave within the grace, closes every connection and calls `done` with how many were cut
  // off. Once.
  void drain(std::function<void(std::size_t cut_off)> done);

 private:
  class Impl;
  explicit Node(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace phoenix::node

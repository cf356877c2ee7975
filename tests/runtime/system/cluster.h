// A cluster of real processes on loopback: a gateway with a given configuration, nodes, and
// Debian's nginx. Everything is on ports that the kernel gives, and gone when the test is over.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/runtime/system/origin.h"
#include "tests/runtime/system/process.h"
#include "tests/runtime/system/raw_client.h"

namespace phoenix::system_test {

using Json = nlohmann::json;

inline std::uint16_t free_port() {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ::bind(socket, reinterpret_cast<sockaddr*>(&address), size);
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
  ::close(socket);
  return ntohs(address.sin_port);
}

inline Json parse_json(const std::string& text) { return Json::parse(text, nullptr, false); }

inline net::Address address_in(const Json& ready, const char* key) {
  const bool is_there = ready.is_object() && ready.contains(key);
  return is_there ? *net::Address::parse(ready[key].get<std::string>()) : net::Address{};
}

// Serves the files of `root`, or what `locations` say. Its access log has one line per request:
// method, target, status, connection, request on it, Host.
class Nginx {
 public:
  Nginx(const TempFolder& folder, const std::string& root, const std::string& locations = {}) {
    static int made = 0;
    name_ = folder.file("nginx-" + std::to_string(++made));
    std::filesystem::create_directories(name_);
    for (int tries = 0; tries < 5 && !is_serving(); ++tries) start(root, locations);
  }
  const net::Address& address() const { return address_; }
  std::string log() const { return contents(name_ + "/access.log"); }
  std::size_t served() const {
    const std::string text = log();
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  }
  void restart() {
    process_.kill();
    launch();
    await([this] { return is_serving(); });
  }
  Process& process() { return process_; }
  bool is_serving() const { return address_.port != 0 && RawClient(address_).is_open(); }

 private:
  void start(const std::string& root, const std::string& locations) {
    address_ = {"127.0.0.1", free_port()};
    std::string text = "daemon off; master_process off; user root; pid " + name_ + "/pid;\n" +
                       "error_log " + name_ + "/error.log;\nevents { worker_connections 4096; }\n" +
                       "http {\n  include /etc/nginx/mime.types;\n  log_format plain " +
                       "'$request_method $uri $status $connection $connection_requests $host';\n" +
                       "  access_log " + name_ +
                       "/access.log plain;\n  keepalive_requests 100000;" +
                       "\n  client_max_body_size 64m;\n  gzip on; gzip_min_length 100; " +
                       "gzip_types text/plain;\n";
    for (const char* kind : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"}) {
      text += std::string("  ") + kind + "_temp_path " + name_ + "/" + kind + ";\n";
    }
    text += "  server {\n    listen " + address_.text() + ";\n    root " + root + ";\n    " +
            locations + "\n  }\n}\n";
    std::ofstream(name_ + "/nginx.conf") << text;
    launch();
    await([this] { return is_serving() || process_.await_end({}) != -1000; });
  }
  void launch() {
    process_ =
        Process({find_program("nginx"), "-e", name_ + "/error.log", "-c", name_ + "/nginx.conf"});
  }

  std::string name_;
  net::Address address_;
  Process process_;
};

class Node {
 public:
  Node(const TempFolder& folder, const std::string& name, const std::vector<std::string>& options)
      : arguments_{PHOENIX_NODE, "--name", name, "--log-level", "info"},
        log_(folder.file(name + ".log")) {
    arguments_.insert(arguments_.end(), options.begin(), options.end());
    start("127.0.0.1:0");
  }
  Process& process() { return process_; }
  const net::Address& address() const { return address_; }
  std::string log() const { return contents(log_); }
  // Again, at the same address.
  void restart() {
    process_.kill();
    start(address_.text());
  }

 private:
  void start(const std::string& listen) {
    std::vector<std::string> arguments = arguments_;
    arguments.insert(arguments.end(), {"--listen", listen});
    process_ = Process(arguments, log_);
    address_ = address_in(parse_json(process_.read_line()), "listen");
  }

  std::vector<std::string> arguments_;
  std::string log_;
  Process process_;
  net::Address address_;
};

class Gateway {
 public:
  // `text` is the configuration but for the listeners; `frames` is where nodes announce themselves.
  Gateway(const TempFolder& folder, const std::string& text, bool is_encrypted = false,
          const std::string& frames = "127.0.0.1:0")
      : path_(folder.file("gateway.toml")),
        log_(folder.file("gateway.log")),
        is_encrypted_(is_encrypted),
        listen_frames_(frames) {
    configure(text);
    process_ = Process({PHOENIX_GATEWAY, "--config", path_, "--seed", "1"}, log_);
    const Json ready = parse_json(process_.read_line());
    http_ = address_in(ready, "http");
    frames_ = address_in(ready, "frames");
    admin_ = address_in(ready, "admin");
  }

  Process& process() { return process_; }
  const net::Address& http() const { return http_; }
  const net::Address& frames() const { return frames_; }
  const net::Address& admin() const { return admin_; }
  std::string log() const { return contents(log_); }
  std::string url(const std::string& target = "/") const {
    return (is_encrypted_ ? "https://" : "http://") + http_.text() + target;
  }

  void configure(const std::string& text) const {
    std::ofstream(path_) << "threads = 2\nhttp = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\n"
                         << "frames = \"" << listen_frames_ << "\"\n"
                         << text;
  }
  // False where the new configuration was not taken.
  bool reload() const {
    const auto reloads = [this] { return status("/reloads") + status("/reloads_failed"); };
    const long before = reloads();
    const long failed_before = status("/reloads_failed");
    process_.signal(SIGHUP);
    return await([&] { return reloads() > before; }) && status("/reloads_failed") == failed_before;
  }

  Json status() const {
    std::vector<std::string> curl = {find_program("curl"), "-sS", "-k", "--max-time", "5"};
    curl.insert(curl.end(), curl_options.begin(), curl_options.end());
    if (is_encrypted_) {
      curl.push_back("https://" + admin_.text() + "/status");
      return parse_json(run(curl).out);
    }
    return parse_json(
        RawClient(admin_).ask("GET /status HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").body);
  }
  // A number in it, such as "/http/refused/bad_message"; 0 where it is missing.
  long status(const std::string& pointer) const {
    const Json all = status();
    const Json::json_pointer place(pointer);
    return all.is_object() && all.contains(place) ? all[place].get<long>() : 0;
  }

  // Every thread reaches that many nodes over frames, by its two connections each.
  bool await_nodes(std::size_t count) const {
    return await([&] {
      const Json all = status();
      if (!all.is_object()) return false;
      std::size_t reached = 0;
      for (const Json& node : all["nodes"]) {
        reached += node["protocol"] == "frames" && node["connections"] == 4 ? 1 : 0;
      }
      return reached == count;
    });
  }
  // Each of a dozen fresh connections, so that all threads have their say, gets 200.
  bool await_answers(const std::string& target) const {
    return await([&] {
      for (int i = 0; i < 12; ++i) {
        if (get(target).status != 200) return false;
      }
      return true;
    });
  }

  RawAnswer get(const std::string& target, const std::string& headers = {}) const {
    return RawClient(http_).ask("GET " + target + " HTTP/1.1\r\nHost: a.test\r\n" + headers +
                                "Connection: close\r\n\r\n");
  }

  std::vector<std::string> curl_options;  // for status() of an encrypted one

 private:
  std::string path_, log_;
  bool is_encrypted_;
  std::string listen_frames_;
  Process process_;
  net::Address http_, frames_, admin_;
};

// [[service]] over plain HTTP servers, and a route to it.
inline std::string http_service(const std::string& name, const std::vector<net::Address>& servers,
                                const std::string& path, const std::string& more = {}) {
  std::string text = "[[service]]\nname = \"" + name + "\"\nprotocol = \"http\"\n" + more + "\n";
  for (const net::Address& server : servers) {
    text += "[[service.server]]\naddress = \"" + server.text() + "\"\n";
  }
  return text + "[[route]]\npath = \"" + path + "\"\nservice = \"" + name + "\"\n";
}

// The same of nodes that announce themselves.
inline std::string node_service(const std::string& name, const std::string& path,
                                const std::string& more = {}) {
  return "[[service]]\nname = \"" + name + "\"\n" + more + "\n[[route]]\npath = \"" + path +
         "\"\nservice = \"" + name + "\"\n";
}

// Holds the cluster; the gateway ends first, and nothing may be left behind.
class ClusterTest : public testing::Test {
 protected:
  void TearDown() override {
    if (HasFailure() && gateway_) std::fputs(gateway_->log().c_str(), stderr);
    gateway_.reset();
    nodes_.clear();
    servers_.clear();
    EXPECT_FALSE(has_children());
  }

  Gateway& start_gateway(const std::string& text, bool is_encrypted = false) {
    gateway_.emplace(folder_, text, is_encrypted);
    EXPECT_NE(gateway_->http().port, 0) << gateway_->log();
    return *gateway_;
  }
  Node& start_node(const std::string& name, std::vector<std::string> options) {
    options.insert(options.end(), {"--gateway", gateway_->frames().text()});
    nodes_.emplace_back(folder_, name, options);
    EXPECT_NE(nodes_.back().address().port, 0) << nodes_.back().log();
    return nodes_.back();
  }
  Nginx& start_nginx(const std::string& locations = {}) {
    servers_.emplace_back(folder_, folder_.path(), locations);
    EXPECT_TRUE(servers_.back().is_serving());
    return servers_.back();
  }

  TempFolder folder_;
  Origin origin_;
  std::deque<Nginx> servers_;
  std::deque<Node> nodes_;
  std::optional<Gateway> gateway_;
};

#define SKIP_WITHOUT(program) \
  if (::phoenix::system_test::find_program(program).empty()) GTEST_SKIP() << "no " program

}  // namespace phoenix::system_test

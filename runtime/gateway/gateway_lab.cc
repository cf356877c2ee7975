// What a lab may ask of a gateway.
#include <nlohmann/json.hpp>

#include "runtime/gateway/gateway.h"

namespace phoenix::gateway {

void Gateway::on_control(GatewayThread& from, std::uint64_t link, std::uint64_t id,
                         std::string command) {
  const nlohmann::json parsed = nlohmann::json::parse(command, nullptr, false);
  const nlohmann::json answer = {{"error", parsed.is_object() ? "unknown command" : "not JSON"}};
  from.post(
      [&from, link, id, text = answer.dump()] { from.frames().answer_control(link, id, text); });
}

}  // namespace phoenix::gateway

// How the keys of a gateway's file are bound to GatewayConfig, and what takes more than one key to
// tell. Internal to config.cc. One thread.
#pragma once

#include "runtime/gateway/config.h"
#include "scenarios/schema.h"

namespace phoenix::gateway {

void read_gateway_config(schema::Section& root, GatewayConfig& config);
void check_gateway_config(const GatewayConfig& config, schema::Reader& reader);

}  // namespace phoenix::gateway

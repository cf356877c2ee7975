// Between what a node's frames carry and what its handlers see. Pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "runtime/node/handler.h"
#include "runtime/wire/messages.h"

namespace phoenix::node {

CallRequest to_call(const wire::Request& request, Time now);

// As another node is asked; views into `call`.
wire::Request to_request(const CallRequest& call, Time now);
CallReply to_reply(const wire::Response& response);

// Views into `reply`. A status that no frame may carry becomes one that within_bounds() refuses.
wire::Response to_response(const CallReply& reply);
// The same where it fits a frame of `payload_max` bytes, else an answer that says why it is not
// given.
wire::Response fitting_response(const CallReply& reply, std::size_t payload_max);
// Of its frame, at most; not compressed.
std::size_t size_of(const wire::Response& response);
wire::Response failed(std::uint16_t status, std::string_view why,
                      AttemptResult result = AttemptResult::kError);

}  // namespace phoenix::node

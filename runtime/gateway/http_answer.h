// One answer owed to a client: how it is framed, and what of it waits for its turn. Internal to the
// HTTP ingress.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/gateway/worker.h"
#include "runtime/http/render.h"

namespace phoenix::gateway {

struct HttpAnswer {
  ExchangeId exchange;
  std::string waiting;   // bytes for the client, when it is not their turn
  std::size_t size = 0;  // of the request
  http::Framing framing = http::Framing::kLength;
  int minor_version = 1;  // of the request
  bool is_known = false;  // `exchange` is
  bool keeps = true;      // the connection, after it
  bool to_head = false;
  bool has_no_body = false;
  bool is_complete = false;
  bool is_broken = false;  // the node's end came too soon
  bool is_paused = false;  // its sender waits for resume_reply()
};

// Appends the head, and the body as far as it is there; settles framing and the rest of `answer`.
void render_reply(HttpAnswer& answer, const Reply& reply, std::string_view date, std::string& out);
void render_piece(const HttpAnswer& answer, std::string_view piece, bool last, std::string& out);
// {"error":"reason"}
void render_error(HttpAnswer& answer, int status, std::string_view reason, std::string_view date,
                  std::string& out);

}  // namespace phoenix::gateway
